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
  await watchTasks(attempts, services)
  for (const attempt of attempts) {
    const run = runs.get(attempt.task.run.runId)
    if (run === null || run === undefined) attempt.stop('lost')
    else if (run.state === 'cancelled') attempt.stop('cancelled')
    else if (run.state === 'failed') attempt.stop('lost')
    else if (run.paused) attempt.stop('paused')
  }
}

/**
 * Looks at the tasks themselves where others may have done something about them: attempts that lag behind are asked to split,
 * or lose their task to a copy. Those that have just begun are left out, so that short tasks cost nothing.
 */
async function watchTasks(
  attempts: readonly Attempt[],
  { store, contact }: Pick<AttemptServices, 'store' | 'contact'>,
): Promise<void> {
  const looked = attempts.filter((attempt) => attempt.mayLagBehind)
  if (looked.length === 0) return
  const byTask = new Map(looked.map((attempt) => [attempt.task.taskId, attempt]))
  const { lost, splits } = await contact.call(() => store.lookAt(looked.map(({ lease }) => lease)))
  for (const { taskId } of lost) byTask.get(taskId)?.stop('lost')
  for (const { taskId, pieces } of splits) byTask.get(taskId)?.askSplit(pieces)
}
