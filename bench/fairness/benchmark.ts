/**
 * A small tenant beside a huge one: the time from the creation of a run of 10 tasks to its end, alone in the store, with
 * 100,000 tasks of another tenant queued before it in one run, and with as many runs of another tenant. Two workers with 4
 * slots each; a task takes 20 ms of its slot.
 */
import { parseArgs } from 'node:util'
import type { Store } from '../../packages/batchwright/src/store/index.ts'
import { eachStore, finishAll, newRun, register } from '../lanes.ts'

const SLOTS = 4
const TASK_MS = 20

export interface FairnessFigures {
  readonly store: string
  readonly aloneSeconds: number
  readonly behindTasksSeconds: number
  readonly behindRunsSeconds: number
  /** At most 5 wanted. */
  readonly laterThanAloneSeconds: number
}

export async function fairnessBenchmark(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      tasks: { type: 'string', default: '100000' },
      runs: { type: 'string', default: '20000' },
      json: { type: 'boolean', default: false },
    },
  })
  const [tasks, runs] = [Number(values.tasks), Number(values.runs)]
  const figures: FairnessFigures[] = []
  await eachStore(async (name, open) => {
    const [store, first, second] = [await open('fair'), await open('fair'), await open('fair')]
    const ending = new AbortController()
    // The workers plan too: a huge run, small ones of 10, and runs of one task.
    const partitions = (runId: string): number => (runId === 'huge' ? tasks : runId.startsWith('huge') ? 1 : 10)
    const workers = [first, second].map((each, index) => work(each, `worker-${index}`, partitions, ending.signal))
    const alone = await small(store, 'alone')
    await store.createRun(newRun('huge', { tenant: 'huge' }))
    while ((await store.listSteps('huge'))[0]?.tasks !== tasks) await store.waitForChange(100)
    const behindTasks = await small(store, 'behind tasks')
    for (let from = 0; from < runs; from += 100) {
      await Promise.all(
        Array.from({ length: 100 }, (_, place) => store.createRun(newRun(`huge ${from + place}`, { tenant: 'huge' }))),
      )
    }
    const behindRuns = await small(store, 'behind runs')
    ending.abort()
    await Promise.all(workers)
    figures.push({
      store: name,
      aloneSeconds: alone,
      behindTasksSeconds: behindTasks,
      behindRunsSeconds: behindRuns,
      laterThanAloneSeconds: Math.max(behindTasks, behindRuns) - alone,
    })
    for (const each of [store, first, second]) await each.close()
  })
  if (values.json) console.log(JSON.stringify({ tasks, runs, figures }))
  else console.table(figures)
}

/** Seconds from the creation of a run of 10 tasks to its end. */
async function small(store: Store, runId: string): Promise<number> {
  const started = performance.now()
  await store.createRun(newRun(runId, { tenant: 'small' }))
  for (;;) {
    const run = await store.getRun(runId)
    if (run?.state === 'succeeded') return (performance.now() - started) / 1_000
    await store.waitForChange(20)
  }
}

/** Claims what its slots can hold, holds it as long as it takes, and ends it. */
async function work(
  store: Store,
  workerId: string,
  partitions: (runId: string) => number,
  signal: AbortSignal,
): Promise<void> {
  await register(store, workerId)
  for (let turn = 0; !signal.aborted; turn += 1) {
    const tasks = await store.claim({ workerId, claimId: `${workerId} ${turn}`, limit: SLOTS })
    if (tasks.length === 0) await store.waitForChange(100, signal)
    else await new Promise((resolve) => setTimeout(resolve, TASK_MS))
    await finishAll(store, tasks, partitions)
  }
}
