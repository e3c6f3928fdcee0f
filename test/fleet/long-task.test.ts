/** A rescue by time alone ran a long nightly batch two or three times a night for a week: hexpm, issue 1825. */
import { expect, test } from 'vitest'
import { blockingJob, fleetProject } from './harness.ts'

/** Of leases, and of the silence of a main thread. */
const TIME_OUT_MS = 900

// The attempt counts from its written start, a moment after it began: one time-out more than is asserted.
test('a task that blocks its thread ten times longer than any time-out here runs once', async () => {
  const project = await fleetProject(blockingJob(11 * TIME_OUT_MS))
  try {
    const workers = ['left', 'right'].map((host) =>
      project.startBare({ host, leaseMs: TIME_OUT_MS, silenceMs: TIME_OUT_MS }),
    )
    await Promise.all(workers.map((worker) => worker.until('worker.registered')))
    const runId = await project.submit()
    expect(await project.ended(runId)).toMatchObject({ state: 'succeeded' })
    expect(project.worked().get('nightly')).toEqual(['nightly-0'])
    const attempts = await project.store.listAttempts(runId, { step: 'nightly', kind: 'partition' })
    expect(attempts.map(({ outcome }) => outcome)).toEqual(['succeeded'])
    expect((attempts[0]?.workedMs ?? 0) / TIME_OUT_MS).toBeGreaterThanOrEqual(10)
  } finally {
    await project.end()
  }
})
