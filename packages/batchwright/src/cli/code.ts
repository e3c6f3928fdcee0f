/** Going on with a run under code that has changed since it was begun (PROTOCOLS 28). */
import { existsSync } from 'node:fs'
import { comparePlans, resumeRun } from '../engine/index.ts'
import type { PlanDifference, ResumeRequest } from '../engine/index.ts'
import type { JobDefinition } from '../job/model.ts'
import { canonicalJson } from '../kernel/digest.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import { loadArtifact, stepFingerprint, stepShape } from '../runtime/index.ts'
import type { RunRow, Store } from '../store/contract.ts'
import type { LoadedJob } from './definitions.ts'
import { requester } from './requester.ts'
import { runTitle } from './view.ts'

/**
 * Opens a failed or cancelled run again, under the job's current code where the plans made so far allow that. Throws
 * PLAN_CHANGED, which names what differs, where they do not.
 */
export async function reopenWithCurrentCode(
  store: Store,
  run: RunRow,
  job: LoadedJob,
  how: Pick<ResumeRequest, 'from' | 'partition'>,
): Promise<RunRow> {
  if (job.artifact.codeVersion === run.codeVersion) return resumeRun(store, run.runId, { ...how, by: requester() })
  await requireSamePlans(store, run, job)
  const code = { artifact: job.artifact, job: job.definition, fingerprintOf: stepFingerprint }
  return resumeRun(store, run.runId, { ...how, code, by: requester() })
}

/** Throws PLAN_CHANGED where what the run has planned does not fit the job as it is now. */
export async function requireSamePlans(store: Store, run: RunRow, job: LoadedJob): Promise<void> {
  const differences = comparePlans(await store.listSteps(run.runId), job.definition, stepFingerprint)
  if (differences.length > 0) throw planChanged(run, job, await named(run, job, differences))
}

/** Says which members of a step's shape differ, where the code that the run was begun with is still there. */
async function named(
  run: RunRow,
  job: LoadedJob,
  differences: readonly PlanDifference[],
): Promise<readonly PlanDifference[]> {
  if (!existsSync(run.artifactPath)) return differences
  const before = await loadArtifact({ codeVersion: run.codeVersion, path: run.artifactPath })
  const has = (definition: JobDefinition, step: string): boolean => definition.steps.some((each) => each.name === step)
  return differences.map((each) => {
    if (!has(before, each.step) || !has(job.definition, each.step)) return each
    const [was, is] = [stepShape(before, each.step), stepShape(job.definition, each.step)]
    const members = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter(
      (member) => canonicalJson(was[member] ?? null) !== canonicalJson(is[member] ?? null),
    )
    return members.length === 0 ? each : { step: each.step, difference: `it differs in ${members.join(', ')}` }
  })
}

function planChanged(run: RunRow, job: LoadedJob, differences: readonly PlanDifference[]): BatchwrightError {
  const sentences = differences.map(({ step, difference }) => `step ${JSON.stringify(step)}: ${difference}`)
  const window = run.window === null ? '' : ` --window ${run.window.key}`
  return new BatchwrightError({
    code: 'PLAN_CHANGED',
    message: `${runTitle(run)} cannot go on with the changed ${job.file}: ${sentences.join('; ')}`,
    hint: `\`batchwright retry ${run.runId} --code pinned\` goes on with the code it was begun with; \`batchwright rerun ${run.job}${window}\` makes a new revision with the new code`,
    details: {
      runId: run.runId,
      differences: differences.map(({ step, difference }) => ({ step, difference })),
      begunWith: run.codeVersion,
      now: job.artifact.codeVersion,
    },
  })
}
