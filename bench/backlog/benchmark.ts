/**
 * What a backlog that cannot be had costs: the same open tasks are claimed and finished, with nothing else in the store, with
 * many tasks of a closed pool in front of them (one run), and with many runs of a closed pool in front of them. Groups of
 * 100, one caller; a row kept for each task, durable.
 */
import { parseArgs } from 'node:util'
import type { Store } from '../../packages/batchwright/src/store/index.ts'
import { eachStore, finishAll, newRun, planned, register } from '../lanes.ts'
import { median } from '../measure.ts'

const GROUP = 100

export interface BacklogFigures {
  readonly store: string
  readonly perSecond: { readonly alone: number; readonly behindTasks: number; readonly behindRuns: number }
  /** Shares of the speed alone; at least 0.8 wanted. */
  readonly behindTasks: number
  readonly behindRuns: number
}

export async function backlogBenchmark(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      stuck: { type: 'string', default: '100000' },
      runs: { type: 'string', default: '20000' },
      tasks: { type: 'string', default: '10000' },
      repeats: { type: 'string', default: '3' },
      json: { type: 'boolean', default: false },
    },
  })
  const [stuck, runs, tasks, repeats] = [values.stuck, values.runs, values.tasks, values.repeats].map(Number)
  const figures: BacklogFigures[] = []
  await eachStore(async (name, open) => {
    const stores = [await open('alone'), await open('tasks'), await open('runs')] as const
    const [alone, behindTasks, behindRuns] = stores
    for (const store of stores) await register(store, 'worker')
    await planned(behindTasks, 'stuck', stuck ?? 0, { pool: 'closed' })
    for (let from = 0; from < (runs ?? 0); from += GROUP) {
      await Promise.all(
        Array.from({ length: GROUP }, (_, place) =>
          behindRuns.createRun(newRun(`stuck ${from + place}`, { pool: 'closed' })),
        ),
      )
    }
    for (const store of stores) await store.setPool('closed', { open: false }, 'bench')
    const speeds = stores.map((): number[] => [])
    // The first round warms up. In turns, so that what else the machine does meets all three.
    for (let round = 0; round <= (repeats ?? 0); round += 1) {
      for (const [place, store] of stores.entries()) {
        const found = await speed(store, tasks ?? 0)
        if (round > 0) speeds[place]?.push(found)
      }
    }
    const [one = 0, two = 0, three = 0] = speeds.map(median)
    figures.push({
      store: name,
      perSecond: { alone: Math.round(one), behindTasks: Math.round(two), behindRuns: Math.round(three) },
      behindTasks: two / one,
      behindRuns: three / one,
    })
    for (const store of [alone, behindTasks, behindRuns]) await store.close()
  })
  if (values.json) console.log(JSON.stringify({ stuck, runs, tasks, figures }))
  else
    console.table(
      figures.map(({ store, perSecond, behindTasks, behindRuns }) => ({
        store,
        perSecond: Object.values(perSecond).join(' '),
        behindTasks,
        behindRuns,
      })),
    )
}

let made = 0

/** Tasks claimed and finished per second. */
async function speed(store: Store, tasks: number): Promise<number> {
  made += 1
  await planned(store, `open ${made}`, tasks)
  const started = performance.now()
  let done = 0
  for (let turn = 0; done < tasks; turn += 1) {
    const claimed = await store.claim({ workerId: 'worker', claimId: `${made} ${turn}`, limit: GROUP })
    if (claimed.length === 0) throw new Error(`expected ${tasks} tasks, found ${done}`)
    await finishAll(store, claimed)
    done += claimed.filter(({ kind }) => kind === 'partition').length
  }
  return (done / (performance.now() - started)) * 1_000
}
