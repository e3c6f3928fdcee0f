import type { Clock } from '../kernel/clock.ts'
import type { Random } from '../kernel/random.ts'
import type { JobDefinition } from '../job/index.ts'
import type { ArtifactRef, Assignment, AttemptEnd, AttemptPort } from '../protocol/index.ts'
import { CallStop, createHost, loadArtifact, runAttempt } from '../runtime/index.ts'

export interface RunnerOptions {
  readonly clock?: Clock
  readonly random?: Random
  /** Where jobs come from; default: the artifact's bundle. For jobs in memory. */
  readonly load?: (artifact: ArtifactRef) => Promise<JobDefinition>
  /** A debugger that is attached stops at the first call of the job's own code. Default false. */
  readonly stopAtFirstCall?: boolean
}

/** What a slot keeps from attempt to attempt: loaded code, open services. */
export interface AttemptRunner {
  run(assignment: Assignment, port: AttemptPort): Promise<AttemptEnd>
  /** Closes services. */
  close(): Promise<void>
}

export function attemptRunner(options: RunnerOptions): AttemptRunner {
  const load = options.stopAtFirstCall === true ? stopping(options.load ?? loadArtifact) : options.load
  const host = createHost({
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    ...(options.random === undefined ? {} : { random: options.random }),
    ...(load === undefined ? {} : { job: load }),
  })
  return {
    run: (assignment, port) => runAttempt(assignment, port, host),
    close: () => host.close(),
  }
}

type Load = NonNullable<RunnerOptions['load']>

/** Loads jobs, and lets the first call of one of their functions stop the debugger. */
function stopping(load: Load): Load {
  let stop: CallStop | null = null
  return async (artifact) => {
    const job = await load(artifact)
    if (stop === null) {
      stop = new CallStop()
      stop.next()
    }
    stop.watch(job)
    return job
  }
}
