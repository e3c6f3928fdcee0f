import type { RunRow } from '../store/index.ts'
import { Attempt, type AttemptServices } from './attempt.ts'
import type { Work } from './work.ts'

/**
 * Looks at the runs of running attempts, so that a cancelled or paused run is noticed when it happens and not at the next
 * renewal. Reads only.
 */
export async function watchRuns(
  works: readonly Work[],
  services: Pick<AttemptServices, 'store' | 'contact'>,
): Promise<void> {
  const runs = new Map<string, RunRow | null>()
  for (const { runId } of works) {
    if (!runs.has(runId)) runs.set(runId, await services.contact.call(() => services.store.getRun(runId)))
  }
  await watchTasks(
    works.filter((work) => work instanceof Attempt),
    services,
  )
  for (const work of works) {
    const run = runs.get(work.runId)
    if (run === null || run === undefined) work.stop('lost')
    else if (run.state === 'cancelled') work.stop('cancelled')
    else if (run.state === 'failed') work.stop('lost')
    else if (run.paused) work.stop('paused')
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
