import pg from 'pg'
import { armHoldPoint, type HoldPoint } from '../../packages/batchwright/src/kernel/failpoint.ts'

/** What became of two verbs that met on the same rows. */
export interface Met<First, Second> {
  readonly first: PromiseSettledResult<First>
  readonly second: PromiseSettledResult<Second>
}

/** Looks from outside whether somebody waits for a lock. */
export class Watcher {
  readonly #client: pg.Client

  private constructor(client: pg.Client) {
    this.#client = client
  }

  static async connect(url: string): Promise<Watcher> {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    return new Watcher(client)
  }

  async somebodyWaits(): Promise<boolean> {
    const { rowCount } = await this.#client.query(
      `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' limit 1`,
    )
    return rowCount === 1
  }

  async rows(sql: string, values: readonly unknown[] = []): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const { rows } = await this.#client.query<Record<string, unknown>>(sql, [...values])
    return rows
  }

  async end(): Promise<void> {
    await this.#client.end()
  }
}

/**
 * Runs one verb until it passes a point for the `at`-th time, then the other until it ends or waits for a lock, then both to
 * their ends. Null where the first verb never came to that point: it has ended, and the other was not begun.
 */
export async function interleave<First, Second>(
  watcher: Watcher,
  point: { readonly name: HoldPoint; readonly at: number },
  first: () => Promise<First>,
  second: () => Promise<Second>,
): Promise<Met<First, Second> | null> {
  const held = Promise.withResolvers<'held'>()
  const released = Promise.withResolvers<undefined>()
  const disarm = armHoldPoint(point.name, point.at, async () => {
    held.resolve('held')
    await released.promise
  })
  try {
    const one = settled(first())
    if ((await Promise.race([held.promise, one])) !== 'held') return null
    const done = { two: false }
    const two = settled(second()).finally(() => {
      done.two = true
    })
    while (!done.two && !(await watcher.somebodyWaits())) await turn()
    released.resolve(undefined)
    return { first: await one, second: await two }
  } finally {
    released.resolve(undefined)
    disarm()
  }
}

async function settled<Value>(call: Promise<Value>): Promise<PromiseSettledResult<Value>> {
  const [result] = await Promise.allSettled([call])
  return result
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1))
}
