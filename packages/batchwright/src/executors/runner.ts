import type { Clock } from '../kernel/clock.ts'
import type { Random } from '../kernel/random.ts'
import type { JobDefinition } from '../job/index.ts'
import type { ArtifactRef, Assignment, AttemptEnd, AttemptPort, BatchAssignment, BatchPort } from '../protocol/index.ts'
import { CallStop, createHost, loadArtifact, runAttempt, runBatch } from '../runtime/index.ts'

export interface RunnerOptions {
  readonly clock?: Clock
  readonly random?: Random
  /** Where jobs come from; default: the artifact's bundle. For jobs in memory. */
  readonly load?: (artifact: ArtifactRef) => Promise<JobDefinition>
  /** A debugger that is attached stops at the first call of the job's own code. Default false. */
  readonly stopAtFirstCall?: boolean
  /** Where secrets of services are read from; default `process.env`. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Told of each secret that services have read, once, before they get it. */
  readonly onSecret?: (secret: string, name: string) => void
}

/** What a slot keeps from attempt to attempt: loaded code, open services. */
export interface AttemptRunner {
  run(assignment: Assignment, port: AttemptPort): Promise<AttemptEnd>
  /** Runs the attempts of a batch; each end goes to the port. Never rejects. */
  runBatch(batch: BatchAssignment, port: BatchPort): Promise<void>
  /** Takes the secrets that services have read out of a text. */
  redact(text: string): string
  /** Closes services. */
  close(): Promise<void>
}

export function attemptRunner(options: RunnerOptions): AttemptRunner {
  const load = options.stopAtFirstCall === true ? stopping(options.load ?? loadArtifact) : options.load
  const host = createHost({
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    ...(options.random === undefined ? {} : { random: options.random }),
    ...(load === undefined ? {} : { job: load }),
    ...(options.environment === undefined ? {} : { environment: options.environment }),
    ...(options.onSecret === undefined ? {} : { onSecret: options.onSecret }),
  })
  return {
    run: (assignment, port) => runAttempt(assignment, port, host),
    runBatch: (batch, port) => runBatch(batch, port, host),
    redact: (text) => host.redactor.text(text),
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
