import type { Clock } from '../kernel/clock.ts'
import type { Random } from '../kernel/random.ts'
import type { JobDefinition } from '../job/index.ts'
import type { ArtifactRef, Assignment, AttemptEnd, AttemptPort } from '../protocol/index.ts'
import { createHost, runAttempt } from '../runtime/index.ts'

export interface RunnerOptions {
  readonly clock?: Clock
  readonly random?: Random
  /** Where jobs come from; default: the artifact's bundle. For jobs in memory. */
  readonly load?: (artifact: ArtifactRef) => Promise<JobDefinition>
}

/** What a slot keeps from attempt to attempt: loaded code, open services. */
export interface AttemptRunner {
  run(assignment: Assignment, port: AttemptPort): Promise<AttemptEnd>
  /** Closes services. */
  close(): Promise<void>
}

export function attemptRunner(options: RunnerOptions): AttemptRunner {
  const host = createHost({
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    ...(options.random === undefined ? {} : { random: options.random }),
    ...(options.load === undefined ? {} : { job: options.load }),
  })
  return {
    run: (assignment, port) => runAttempt(assignment, port, host),
    close: () => host.close(),
  }
}
