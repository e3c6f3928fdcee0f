import type { ContractDefinition, DatasetDefinition, JobDefinition, StepDefinition, StepInput } from '../job/index.ts'
import { canonicalJson, sha256 } from '../kernel/digest.ts'
import type { JsonValue } from '../kernel/errors.ts'
import { findStep } from './find-step.ts'

/**
 * What must be the same for a plan and its checkpoints to go on under new code: the graph around the step, how it is
 * partitioned, contracts, formats, state versions. What its functions do is free to change.
 */
export function stepShape(job: JobDefinition, stepName: string): Readonly<Record<string, JsonValue>> {
  const step = findStep(job, stepName)
  return {
    kind: step.kind,
    after: [...step.after],
    output:
      step.output === null
        ? null
        : { dataset: datasetShape(step.output.dataset), recordsPerPart: finite(step.output.recordsPerPart) },
    readInside: step.readInside,
    shuffles: step.shuffles.map(({ to, buckets }) => ({ to, buckets })),
    ...kindShape(step),
  }
}

/** SHA-256 of the step's shape: `PlanSummary.fingerprint`. */
export function stepFingerprint(job: JobDefinition, stepName: string): string {
  return sha256(canonicalJson(stepShape(job, stepName)))
}

function kindShape(step: StepDefinition): Readonly<Record<string, JsonValue>> {
  switch (step.kind) {
    case 'records':
      return {
        input: inputShape(step.input),
        partition: { by: step.partition.by, size: step.partition.size, count: step.partition.count },
        distinct: step.operations.flatMap((operation, place) =>
          operation.operation === 'distinct' ? [{ place, within: operation.within }] : [],
        ),
        stateVersion: step.stateVersion,
      }
    case 'reduce':
      return { input: step.input.step, buckets: step.buckets }
    case 'sql':
      return { tables: Object.fromEntries([...step.tables].map(([name, input]) => [name, inputShape(input)])) }
    case 'function':
      return { stateVersion: step.stateVersion }
  }
}

function inputShape(input: StepInput): JsonValue {
  if (input.from === 'step') return { step: input.step }
  return { dataset: datasetShape(input.dataset), windows: input.windows.select }
}

function datasetShape(dataset: DatasetDefinition): JsonValue {
  return {
    name: dataset.name,
    window: dataset.window === null ? null : { kind: dataset.window.kind, timezone: dataset.window.timezone },
    format: { ...dataset.format },
    contract: contractShape(dataset.contract),
  }
}

function contractShape({ version, schema }: ContractDefinition): JsonValue {
  const fields = schema.fields?.map(({ name, column, type, optional }) => ({
    name,
    column,
    type: { ...type },
    optional,
  }))
  return { version, fields: fields ?? null }
}

/** JSON has no infinity: null stands for no limit. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
