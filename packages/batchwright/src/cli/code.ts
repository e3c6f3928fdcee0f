/** Going on with a run under code that has changed since it was begun (PROTOCOLS 28). */
import { comparePlans, resumeRun } from '../engine/index.ts'
import type { PlanDifference, ResumeRequest } from '../engine/index.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import { planFingerprint } from '../runtime/index.ts'
import type { RunRow, Store } from '../store/contract.ts'
import type { LoadedJob } from './definitions.ts'
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
  if (job.artifact.codeVersion === run.codeVersion) return resumeRun(store, run.runId, { ...how, by: 'cli' })
  await requireSamePlans(store, run, job)
  const code = { artifact: job.artifact, job: job.definition, fingerprintOf: planFingerprint }
  return resumeRun(store, run.runId, { ...how, code, by: 'cli' })
}

/** Throws PLAN_CHANGED where what the run has planned does not fit the job as it is now. */
export async function requireSamePlans(store: Store, run: RunRow, job: LoadedJob): Promise<void> {
  const differences = comparePlans(await store.listSteps(run.runId), job.definition, planFingerprint)
  if (differences.length > 0) throw planChanged(run, job, differences)
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
