import type { RunRow } from '../store/index.ts'
import type { Attempt, AttemptServices } from './attempt.ts'

/**
 * Looks at the runs of running attempts, so that a cancelled or paused run is noticed when it happens and not at the next
 * renewal. Reads only.
 */
export async function watchRuns(
  attempts: readonly Attempt[],
  services: Pick<AttemptServices, 'store' | 'contact'>,
): Promise<void> {
  const runs = new Map<string, RunRow | null>()
  for (const { task } of attempts) {
    const { runId } = task.run
    if (!runs.has(runId)) runs.set(runId, await services.contact.call(() => services.store.getRun(runId)))
  }
  for (const attempt of attempts) {
    const run = runs.get(attempt.task.run.runId)
    if (run === null || run === undefined) attempt.stop('lost')
    else if (run.state === 'cancelled') attempt.stop('cancelled')
    else if (run.state === 'failed') attempt.stop('lost')
    else if (run.paused) attempt.stop('paused')
  }
}
