/**
 * What workers with nothing to do cost the database: queries a minute by what they are, and its CPU. Each worker is a process
 * of the command line's engine with its defaults; the queries are counted by the server itself.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { systemClock } from '../../packages/batchwright/src/kernel/clock.ts'
import { openStore } from '../../packages/batchwright/src/store/index.ts'
import { startPostgres } from '../../test/postgres/index.ts'

export interface IdleFigures {
  readonly workers: number
  /** Transactions that the database committed, a minute. */
  readonly transactionsAMinute: number
  readonly transactionsAWorkerAMinute: number
  /** Of one core, of all of the server's processes. */
  readonly databaseCpuPercent: number
  readonly connections: number
}

/** `npm run bench -- idle [--workers N,N,...] [--seconds N] [--json]` */
export async function idleBenchmark(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      workers: { type: 'string', default: '0,10,100' },
      seconds: { type: 'string', default: '30' },
      json: { type: 'boolean', default: false },
    },
  })
  const figures: IdleFigures[] = []
  for (const workers of values.workers.split(',').map(Number)) {
    figures.push(await measureIdle(workers, Number(values.seconds)))
  }
  if (values.json) console.log(JSON.stringify(figures))
  else for (const each of figures) console.log(JSON.stringify(each))
}

/** Worker incarnations share a few processes, so that a hundred fit on a small machine: the database cannot tell. */
const A_PROCESS = 10

async function measureIdle(workers: number, seconds: number): Promise<IdleFigures> {
  const server = await startPostgres({ settings: ['max_connections=1000'] })
  const folder = mkdtempSync(path.join(tmpdir(), 'batchwright-bench-idle-'))
  const store = await openStore({ kind: 'postgres', url: server.url }, { clock: systemClock })
  await store.close()
  const processes: ChildProcess[] = []
  const client = new pg.Client(server.url)
  await client.connect()
  try {
    for (let started = 0; started < workers; started += A_PROCESS) {
      const settings = { folder, url: server.url, workers: Math.min(A_PROCESS, workers - started) }
      const child = fork(path.join(import.meta.dirname, 'workers.child.ts'), [JSON.stringify(settings)], {
        execArgv: ['--conditions=batchwright-source', '--disable-warning=ExperimentalWarning'],
      })
      processes.push(child)
      await once(child, 'message')
    }
    await sleep(5_000)
    const [before, cpuBefore] = [await transactions(client), await serverCpuMs(client)]
    await sleep(seconds * 1_000)
    const [after, cpuAfter] = [await transactions(client), await serverCpuMs(client)]
    const minute = ((after - before) * 60) / seconds
    return {
      workers,
      transactionsAMinute: Math.round(minute),
      transactionsAWorkerAMinute: workers === 0 ? 0 : Math.round(minute / workers),
      databaseCpuPercent: Math.round(((cpuAfter - cpuBefore) / (seconds * 1_000)) * 1_000) / 10,
      connections: await connections(client),
    }
  } finally {
    await client.end()
    await Promise.all(
      processes.map(async (child) => {
        const exited = once(child, 'exit')
        child.kill('SIGKILL')
        await exited
      }),
    )
    await server.close()
    rmSync(folder, { recursive: true })
  }
}

async function transactions(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ count: string }>(
    'select sum(xact_commit + xact_rollback) as count from pg_stat_database',
  )
  return Number(rows[0]?.count)
}

async function connections(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ count: string }>(
    `select count(*) as count from pg_stat_activity where backend_type = 'client backend'`,
  )
  return Number(rows[0]?.count)
}

/** CPU of the server's processes: proc(5), in ticks of 10 ms. Those that have ended are counted in the first of them. */
async function serverCpuMs(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  const first = statOf(String(rows[0]?.pid))?.[1]
  let ticks = 0
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const fields = statOf(pid)
    if (fields === null || (pid !== first && fields[1] !== first)) continue
    ticks += Number(fields[11]) + Number(fields[12]) + Number(fields[13]) + Number(fields[14])
  }
  return ticks * 10
}

/** What stands after the name of a process; null where it has ended. The second field is its parent. */
function statOf(pid: string): readonly string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return null
    throw error
  }
}
