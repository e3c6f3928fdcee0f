import type { JobDefinition, StepDefinition } from '../job/index.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import { datasetInputs, type SampledDataset } from './inputs.ts'

/** Steps of a job that a dry run is asked for: one with all that it needs, or all. Throws STEP_UNKNOWN. */
export function wantedSteps(job: JobDefinition, step: string | null): readonly StepDefinition[] {
  if (step === null) return job.steps
  if (!job.steps.some((known) => known.name === step)) throw stepUnknown(job, step)
  const wanted = new Set([step])
  for (const known of job.steps.toReversed()) {
    if (wanted.has(known.name)) for (const name of known.after) wanted.add(name)
  }
  return job.steps.filter((known) => wanted.has(known.name))
}

/** Why steps do not run, by name: what they do outside is not wanted, their input is not there, or one they read does not run. */
export function skippedSteps(
  steps: readonly StepDefinition[],
  inputs: ReadonlyMap<string, SampledDataset>,
  effects: boolean,
): ReadonlyMap<string, string> {
  const skipped = new Map<string, string>()
  for (const step of steps) {
    const why = reason(step, inputs, effects) ?? afterSkipped(step, skipped)
    if (why !== null) skipped.set(step.name, why)
  }
  return skipped
}

function reason(step: StepDefinition, inputs: ReadonlyMap<string, SampledDataset>, effects: boolean): string | null {
  const lacking = datasetInputs(step).find((input) => inputs.get(input.dataset.name)?.input.error != null)
  if (lacking !== undefined) return `there is no input: ${lacking.dataset.name}`
  if (effects) return null
  if (step.kind === 'function') return 'a function may act outside the job'
  const [service] = step.services.values()
  return service === undefined ? null : `it uses the service ${service.name}`
}

function afterSkipped(step: StepDefinition, skipped: ReadonlyMap<string, string>): string | null {
  const needed = stepsRead(step).find((name) => skipped.has(name))
  return needed === undefined ? null : `it reads ${needed}`
}

/** Names of the steps whose records it reads. */
function stepsRead(step: StepDefinition): readonly string[] {
  if (step.kind === 'function') return []
  const inputs = step.kind === 'sql' ? [...step.tables.values()] : [step.input]
  return inputs.flatMap((input) => (input.from === 'step' ? [input.step] : []))
}

function stepUnknown(job: JobDefinition, step: string): BatchwrightError {
  return new BatchwrightError({
    code: 'STEP_UNKNOWN',
    message: `expected job ${JSON.stringify(job.name)} to have a step ${JSON.stringify(step)}; it has ${job.steps.map((known) => known.name).join(', ')}`,
    hint: 'Name one of them.',
    details: { given: step, steps: job.steps.map((known) => known.name) },
  })
}
