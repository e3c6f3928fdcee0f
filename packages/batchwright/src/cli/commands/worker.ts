/** `batchwright worker`: one worker, or with --max as many as there is work for. */
import type { WorkOptions } from '../fleet/work.ts'
import type { ExitCode } from '../failure.ts'
import { usageError } from '../failure.ts'
import type { Session } from '../session.ts'

export interface WorkerCommandOptions extends WorkOptions {
  readonly min?: number
  readonly max?: number
  /** Milliseconds. */
  readonly coolDown?: number
}

export async function worker(session: Session, options: WorkerCommandOptions): Promise<ExitCode> {
  const { min, max } = options
  if (min === undefined && max === undefined) {
    const { work } = await import('../fleet/work.ts')
    return work(session, options)
  }
  const { supervise } = await import('../fleet/supervise.ts')
  const limits = { min: min ?? 1, max: max ?? min ?? 1 }
  if (limits.min > limits.max) {
    throw usageError({
      code: 'USAGE',
      message: `expected --min to be at most --max, found --min ${limits.min} and --max ${limits.max}`,
      hint: 'for example --min 1 --max 8',
    })
  }
  const { configuration, folder } = session.project
  const slots = options.slots ?? configuration.slots.value
  const graceMs = options.grace ?? configuration.workerGrace.value
  return supervise(session, {
    ...limits,
    slots,
    graceMs,
    ...(options.coolDown === undefined ? {} : { downMs: options.coolDown }),
    name: options.name ?? configuration.workerName.value,
    command: [
      'worker',
      ...['--project', folder, '--slots', String(slots), '--grace', `${graceMs}ms`],
      ...(options.slotMemory === undefined ? [] : ['--slot-memory', `${options.slotMemory}B`]),
      ...(session.terminal.json ? ['--json'] : []),
    ],
  })
}
