import type { JobDefinition } from '../job/index.ts'
import { BatchwrightError, reportError } from '../kernel/errors.ts'
import type { Assignment, AttemptEnd, AttemptPort, Counters, PartitionAssignment } from '../protocol/index.ts'
import { findStep } from './find-step.ts'
import type { SlotHost } from './host.ts'
import { runPlan } from './plan.ts'
import { runPublish } from './publish.ts'
import { runRecords } from './records/run-records.ts'
import { runReduce } from './reduce/run-reduce.ts'
import { runFunction } from './run-function.ts'
import { runSql } from './sql/run-sql.ts'
import { runVerify } from './verify.ts'

/**
 * Runs one attempt to its end. Never rejects: whatever is thrown becomes a failed end, with the stack in the job's own
 * sources and without the slot's secrets. `counters` of a failed end are those of the last checkpoint.
 */
export async function runAttempt(assignment: Assignment, port: AttemptPort, host: SlotHost): Promise<AttemptEnd> {
  let counters = assignment.kind === 'partition' ? (assignment.checkpoint?.counters ?? null) : null
  const turn = host.line.begin(port)
  const watched: AttemptPort = {
    signal: turn.signal,
    ask: (question) => port.ask(question),
    tell: (word) => {
      port.tell(word)
    },
    partitions: (batch) => port.partitions(batch),
    progress: (progress) => {
      port.progress(progress)
    },
    log: (line) => {
      port.log(line)
    },
    checkpoint: async (checkpoint) => {
      await port.checkpoint(checkpoint)
      counters = checkpoint.counters
    },
    ...(port.splits === undefined ? {} : { splits: port.splits }),
  }
  try {
    const end = await ended(assignment, watched, host, () => counters)
    await turn.settled()
    const wait = turn.end()
    // What was refused to it decides, whatever its code made of that: but work that is done is done.
    if (wait === null || end.kind === 'finished' || end.kind === 'planned') return end
    return { kind: 'givenBack', counters: end.counters, wait }
  } finally {
    turn.end()
  }
}

async function ended(
  assignment: Assignment,
  port: AttemptPort,
  host: SlotHost,
  counters: () => Counters | null,
): Promise<AttemptEnd> {
  try {
    const job = await host.job(assignment.artifact)
    return await run(assignment, job, port, host)
  } catch (thrown) {
    return { kind: 'failed', error: host.redactor.error(reportError(thrown)), counters: counters() }
  }
}

function run(assignment: Assignment, job: JobDefinition, port: AttemptPort, host: SlotHost): Promise<AttemptEnd> {
  if (job.name !== assignment.run.job) throw jobDiffers(job, assignment)
  switch (assignment.kind) {
    case 'plan':
      return runPlan(assignment, job, port, host)
    case 'partition':
      return runPartition(assignment, job, port, host)
    case 'verify':
      return runVerify(assignment, job, host)
    case 'publish':
      return runPublish(assignment, job, host)
  }
}

function runPartition(
  assignment: PartitionAssignment,
  job: JobDefinition,
  port: AttemptPort,
  host: SlotHost,
): Promise<AttemptEnd> {
  const step = findStep(job, assignment.step)
  switch (step.kind) {
    case 'records':
      return runRecords(assignment, step, port, host)
    case 'reduce':
      return runReduce(assignment, step, port, host)
    case 'sql':
      return runSql(assignment, step, job, port)
    case 'function':
      return runFunction(assignment, step, port, host)
  }
}

function jobDiffers(job: JobDefinition, { run: { job: expected } }: Assignment): BatchwrightError {
  return new BatchwrightError({
    code: 'JOB_DIFFERS',
    message: `expected the artifact to define job ${expected}, found ${job.name}`,
    hint: 'The run was made from another job file: start it again with run.',
    details: { expected, found: job.name },
  })
}
