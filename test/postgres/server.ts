import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import pg from 'pg'
import type { FromKeeper, ToKeeper } from './keeper-messages.ts'

/** A PostgreSQL server of one's own, with durable settings. It ends with `close`, or with this process. */
export interface PostgresServer {
  /** Of the database `postgres`, as a user who may do everything. The same after a restart. */
  readonly url: string
  /** Starts it again after `stop` or `crash`. Resolves when it takes connections. */
  start(): Promise<void>
  /** Ends its connections and stops it; what was committed is written. */
  stop(): Promise<void>
  /** Ends all its processes at once: the next start recovers from the write-ahead log. */
  crash(): Promise<void>
  /** Cuts the connections of all clients, or of those to one database; answers with how many. The server goes on. */
  cutConnections(database?: string): Promise<number>
  /** Stops it and removes its files. */
  close(): Promise<void>
}

/**
 * Makes and starts a server with a port and a folder of its own: about 1.5 s. `settings` are added to PostgreSQL's own
 * defaults (`['synchronous_commit=off']`). Throws with the server's log where it does not start.
 */
export async function startPostgres(options: { readonly settings?: readonly string[] } = {}): Promise<PostgresServer> {
  const keeper = fork(
    path.join(import.meta.dirname, 'keeper.ts'),
    (options.settings ?? []).flatMap((setting) => ['--setting', setting]),
    // A group of its own, so that Ctrl-C reaches it through its parent's end and not before.
    {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    },
  )
  const started = await ask(keeper, { order: 'start' })
  if (started.state !== 'running') throw new Error('expected the server to run')
  keeper.unref()
  keeper.channel?.unref()
  const { url } = started
  return {
    url,
    start: async () => {
      await ask(keeper, { order: 'start' })
    },
    stop: async () => {
      await ask(keeper, { order: 'stop' })
    },
    crash: async () => {
      await ask(keeper, { order: 'crash' })
    },
    cutConnections: (database) => cutConnections(url, database),
    close: async () => {
      if (keeper.exitCode !== null || keeper.signalCode !== null) return
      const gone = once(keeper, 'exit')
      keeper.ref()
      send(keeper, { order: 'leave' })
      await gone
    },
  }
}

function send(keeper: ChildProcess, message: ToKeeper): void {
  keeper.send(message)
}

function ask(keeper: ChildProcess, message: ToKeeper): Promise<FromKeeper> {
  return new Promise((resolve, reject) => {
    keeper.ref()
    keeper.channel?.ref()
    const settle = (act: () => void): void => {
      keeper.off('message', onMessage).off('exit', onExit)
      keeper.unref()
      keeper.channel?.unref()
      act()
    }
    const onMessage = (answer: FromKeeper): void => {
      settle(() => {
        if (answer.state === 'failed') reject(new Error(answer.message))
        else resolve(answer)
      })
    }
    const onExit = (code: number | null, signal: string | null): void => {
      settle(() => {
        reject(new Error(`the keeper of the tests' PostgreSQL ended: ${String(code ?? signal)}`))
      })
    }
    keeper.on('message', onMessage).on('exit', onExit)
    send(keeper, message)
  })
}

/** Cuts all clients of a server, or those of one database, except the one that asks. */
export async function cutConnections(url: string, database?: string): Promise<number> {
  return await asAdministrator(url, async (client) => {
    const { rowCount } = await client.query(
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity
       where backend_type = 'client backend' and pid <> pg_backend_pid() and ($1::text is null or datname = $1)`,
      [database ?? null],
    )
    return rowCount ?? 0
  })
}

/** One connection for a few statements. */
export async function asAdministrator<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  // A connection that is cut fails the statement under way, or the next: the event says nothing more.
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
