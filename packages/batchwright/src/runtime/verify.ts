import path from 'node:path'
import { datasetFolder } from '../data/index.ts'
import { countOfDataset, datasetsWritten, type JobDefinition, type StepDefinition } from '../job/index.ts'
import { failPoint } from '../kernel/failpoint.ts'
import type { AttemptEnd, Counters, VerifyAssignment } from '../protocol/index.ts'
import { NO_COUNTERS } from '../protocol/index.ts'
import { expectedReads, findingsJson, refuseFailures, verifyStep } from '../trust/index.ts'
import { findStep } from './find-step.ts'
import type { SlotHost } from './host.ts'

/**
 * Judges a whole step before anything of it may be seen: reconciliation, limits, controls, checks. What does not hold fails
 * the attempt with VERIFICATION_FAILED, which names each finding; the output stays staged, for operators.
 */
export async function runVerify(
  assignment: VerifyAssignment,
  job: JobDefinition,
  { databases }: SlotHost,
): Promise<AttemptEnd> {
  failPoint('verify.started')
  const { run, folders, output, totals, upstream, snapshot, ref } = assignment
  const step = findStep(job, assignment.step)
  const findings = await verifyStep({
    step,
    output,
    counters: totals.counters,
    controls: totals.controls,
    upstream,
    expectedRead: expectedReads(step, snapshot, upstream),
    historyOf: (dataset) => ({ folder: datasetFolder(folders.project, dataset), windowKey: run.window?.key ?? null }),
    spillFolder: path.join(folders.run, step.name, `verify-f${ref.fence}`),
    table: { databases, project: folders.project, runId: run.runId, window: run.window },
  })
  refuseFailures(step.name, findings)
  return {
    kind: 'finished',
    output: {
      counters: NO_COUNTERS,
      controls: {},
      outputs: {},
      deadLetters: [],
      result: { checks: findingsJson(findings), datasets: recordsByDataset(step, totals.counters) },
    },
  }
}

/** How many records, or files, each dataset of the step got: what is said of publications. */
function recordsByDataset(step: StepDefinition, counters: Counters): Readonly<Record<string, number>> {
  return Object.fromEntries(
    datasetsWritten(step).map((written) => [written.dataset.name, countOfDataset(counters, written)]),
  )
}
