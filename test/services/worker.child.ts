/**
 * A process that works on one run: told by JSON in its only argument, ends when the run has ended. It may be killed at any
 * place, or at a fail point.
 */
import path from 'node:path'
import { driveRuns, stepFacts } from '../../packages/batchwright/src/engine/index.ts'
import { inlineExecutor } from '../../packages/batchwright/src/executors/index.ts'
import type { Clock } from '../../packages/batchwright/src/kernel/clock.ts'
import { systemClock } from '../../packages/batchwright/src/kernel/clock.ts'
import { openStore } from '../../packages/batchwright/src/store/index.ts'
import type { StoreAddress } from '../../packages/batchwright/src/store/index.ts'
import { jobOf, type JobSettings } from './jobs.ts'

export interface WorkerSettings extends JobSettings {
  readonly folder: string
  readonly store: StoreAddress
  readonly runId: string
  readonly slots: number
  /** How wrong its clock is, milliseconds. */
  readonly wrongBy?: number
}

function wrong(byMs: number): Clock {
  return {
    now: () => systemClock.now() + byMs,
    monotonic: () => systemClock.monotonic() + byMs,
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
    after: (ms, callback, options) => systemClock.after(ms, callback, options),
  }
}

if (process.send !== undefined) {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- the harness is its only caller
  const settings = JSON.parse(process.argv[2] ?? '') as WorkerSettings
  const clock = wrong(settings.wrongBy ?? 0)
  const job = jobOf(settings)
  const store = await openStore(settings.store, { clock: settings.store.kind === 'sqlite' ? systemClock : clock })
  const { worker, ended } = driveRuns([settings.runId], {
    store,
    executors: [inlineExecutor({ clock, load: () => Promise.resolve(job) })],
    describe: ({ step }) => Promise.resolve({ ...stepFacts(job, step), isolation: 'inline' as const }),
    folders: { project: settings.folder, state: path.join(settings.folder, '.batchwright') },
    slots: settings.slots,
    clock,
    leaseMs: 3_000,
    heartbeatMs: 500,
  })
  process.on('message', () => {
    worker.drain()
  })
  const [run] = await ended
  process.send({ state: run?.state ?? 'gone', failure: run?.failure?.code ?? null })
  await store.close()
  process.exit(0)
}
