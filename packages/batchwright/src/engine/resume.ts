import { BatchwrightError } from '../kernel/errors.ts'
import type { JobDefinition } from '../job/index.ts'
import type { ArtifactRef } from '../protocol/index.ts'
import type { RunRow, StepRow, Store } from '../store/index.ts'

/** Why a run cannot go on under other code: one sentence for each step that differs. */
export interface PlanDifference {
  readonly step: string
  readonly difference: string
}

/** The fingerprint of a step's plan under the new code: the runtime computes it from the definition. */
export type FingerprintOf = (job: JobDefinition, step: string) => string

/**
 * Compares the plans a run already has with what new code would plan: the graph, and the fingerprint of every planned step
 * (partitioning, contracts, formats, state versions). Empty where the run may go on under the new code.
 */
export function comparePlans(
  planned: readonly StepRow[],
  job: JobDefinition,
  fingerprintOf: FingerprintOf,
): readonly PlanDifference[] {
  const differences: PlanDifference[] = []
  const fresh = new Map(job.steps.map((step) => [step.name, step]))
  for (const row of planned) {
    const step = fresh.get(row.name)
    const difference = step === undefined ? 'the new code has no such step' : compareStep(row, step, job, fingerprintOf)
    if (difference !== null) differences.push({ step: row.name, difference })
  }
  const known = new Set(planned.map((row) => row.name))
  for (const step of job.steps) {
    if (!known.has(step.name)) differences.push({ step: step.name, difference: 'the run was made without this step' })
  }
  return differences
}

function compareStep(
  row: StepRow,
  step: JobDefinition['steps'][number],
  job: JobDefinition,
  fingerprintOf: FingerprintOf,
): string | null {
  if (row.kind !== step.kind) return `it was a ${row.kind} step and is a ${step.kind} step`
  const before = [...row.after].sort().join(', ')
  const now = [...step.after].sort().join(', ')
  if (before !== now) return `it came after [${before}] and comes after [${now}]`
  if (row.plan === null) return null
  const fingerprint = fingerprintOf(job, row.name)
  return fingerprint === row.plan.fingerprint ? null : nameDifference(row.plan.fingerprint, fingerprint)
}

/** Fingerprints that are JSON objects say which of their members differ; digests only that they do. */
function nameDifference(before: string, now: string): string {
  const [left, right] = [members(before), members(now)]
  if (left === null || right === null) return 'its partitioning, contract, format or state version is another'
  const names = [...new Set([...left.keys(), ...right.keys()])].filter((name) => left.get(name) !== right.get(name))
  return `it differs in ${names.join(', ')}`
}

function members(text: string): Map<string, string> | null {
  if (!text.startsWith('{')) return null
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null) return null
    return new Map(Object.entries(parsed).map(([name, value]) => [name, JSON.stringify(value)]))
  } catch {
    return null
  }
}

export interface ResumeRequest {
  readonly by: string
  /** Starts this step, and what depends on it, again. */
  readonly from?: string
  /** Makes one succeeded partition again, from its start. */
  readonly partition?: { readonly step: string; readonly index: number }
  /** Goes on under other code than the run was made with. */
  readonly code?: {
    readonly artifact: ArtifactRef
    readonly job: JobDefinition
    readonly fingerprintOf: FingerprintOf
  }
}

/**
 * Takes up a failed or cancelled run; done work is kept. Under other code only where every plan made so far is the same:
 * else PLAN_CHANGED names the differences, and the way on is the old code, or `rerun`.
 */
export async function resumeRun(
  store: Pick<Store, 'reopenRun' | 'listSteps'>,
  runId: string,
  request: ResumeRequest,
): Promise<RunRow> {
  const { code, by, from, partition } = request
  if (code !== undefined) {
    const differences = comparePlans(await store.listSteps(runId), code.job, code.fingerprintOf)
    if (differences.length > 0) throw planChanged(runId, differences)
  }
  return store.reopenRun(runId, {
    by,
    ...(from === undefined ? {} : { from }),
    ...(partition === undefined ? {} : { partition }),
    ...(code === undefined
      ? {}
      : { code: { codeVersion: code.artifact.codeVersion, artifactPath: code.artifact.path } }),
  })
}

function planChanged(runId: string, differences: readonly PlanDifference[]): BatchwrightError {
  const sentences = differences.map(({ step, difference }) => `step ${JSON.stringify(step)}: ${difference}`).join('; ')
  return new BatchwrightError({
    code: 'PLAN_CHANGED',
    message: `run ${runId} cannot go on under the new code: ${sentences}`,
    hint: 'Finish it under the code it was made with, or make a new revision with `rerun`.',
    details: { runId, steps: differences.map(({ step }) => step) },
  })
}
