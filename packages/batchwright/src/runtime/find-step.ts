import type { JobDefinition, StepDefinition } from '../job/index.ts'
import { didYouMean } from '../job/index.ts'
import { BatchwrightError } from '../kernel/errors.ts'

/** A step of a job, by name. Throws STEP_UNKNOWN. */
export function findStep(job: JobDefinition, name: string): StepDefinition {
  const step = job.steps.find((candidate) => candidate.name === name)
  if (step !== undefined) return step
  const names = job.steps.map((candidate) => candidate.name)
  throw new BatchwrightError({
    code: 'STEP_UNKNOWN',
    message: `job ${job.name}: expected a step named ${JSON.stringify(name)}, found ${names.join(', ')}${didYouMean(name, names)}`,
    hint: 'The code of the job has changed since the run was made: make a new revision with `batchwright rerun JOB --window WINDOW`.',
    details: { job: job.name, step: name },
  })
}
