import path from 'node:path'
import { datasetFolder } from '../data/index.ts'
import type { JobDefinition } from '../job/index.ts'
import { failPoint } from '../kernel/failpoint.ts'
import type { AttemptEnd, VerifyAssignment } from '../protocol/index.ts'
import { expectedReads, findingsJson, refuseFailures, verifyStep } from '../trust/index.ts'
import { findStep } from './find-step.ts'
import { NO_COUNTERS } from './records/tally.ts'

/**
 * Judges a whole step before anything of it may be seen: reconciliation, limits, controls, checks. What does not hold fails
 * the attempt with VERIFICATION_FAILED, which names each finding; the output stays staged, for operators.
 */
export async function runVerify(assignment: VerifyAssignment, job: JobDefinition): Promise<AttemptEnd> {
  failPoint('verify.started')
  const { run, folders, output, totals, upstream, snapshot, ref } = assignment
  const step = findStep(job, assignment.step)
  const written = step.output?.dataset ?? null
  const findings = await verifyStep({
    step,
    output,
    counters: totals.counters,
    controls: totals.controls,
    upstream,
    expectedRead: expectedReads(step, snapshot, upstream),
    dataset:
      written === null
        ? null
        : { folder: datasetFolder(folders.project, written), windowKey: run.window === null ? null : run.window.key },
    spillFolder: path.join(folders.run, step.name, `verify-f${ref.fence}`),
  })
  refuseFailures(step.name, findings)
  return {
    kind: 'finished',
    output: {
      counters: NO_COUNTERS,
      controls: {},
      outputs: {},
      deadLetters: [],
      result: { checks: findingsJson(findings) },
    },
  }
}
