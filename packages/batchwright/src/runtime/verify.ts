import type { JobDefinition } from '../job/index.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import { failPoint } from '../kernel/failpoint.ts'
import type { AttemptEnd, VerifyAssignment } from '../protocol/index.ts'
import { findStep } from './find-step.ts'
import { NO_COUNTERS } from './records/tally.ts'

/** Judges a whole step before its output may be seen. */
export async function runVerify(assignment: VerifyAssignment, job: JobDefinition): Promise<AttemptEnd> {
  failPoint('verify.started')
  const step = findStep(job, assignment.step)
  const { counters } = assignment.totals
  const dead = counters.deadByRule + counters.deadByContract + counters.deadByError
  if (counters.read !== counters.accepted + counters.dropped + dead) {
    throw new BatchwrightError({
      code: 'VERIFICATION_FAILED',
      message: `step ${step.name}: read ${counters.read}, accepted ${counters.accepted}, dropped ${counters.dropped}, dead ${dead}`,
    })
  }
  return Promise.resolve({
    kind: 'finished',
    output: { counters: NO_COUNTERS, controls: {}, outputs: {}, deadLetters: [], result: { checks: [] } },
  })
}
