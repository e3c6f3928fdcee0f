import type { PublicationIntent } from '../protocol/index.ts'
import type { ClaimedTask, PublicationTarget, StepRow } from '../store/index.ts'
import type { AssemblyOptions } from './assemble.ts'

export interface IntendedPublication {
  readonly intents: readonly PublicationIntent[]
  /** The steps whose outputs are published. */
  readonly steps: readonly string[]
}

/**
 * Records, under the publish task's lease, what is about to become visible, before anything does. The numbers are the
 * store's; a later attempt finds the same ones and replays them to the end. Null where the lease no longer held.
 */
export async function intendPublication(
  task: ClaimedTask,
  options: AssemblyOptions,
): Promise<IntendedPublication | null> {
  const steps = publishedWith(task.step, await options.store.listSteps(task.run.runId))
  const targets: PublicationTarget[] = []
  for (const step of steps) {
    const facts = await options.describe({
      codeVersion: task.codeVersion,
      artifactPath: task.artifactPath,
      job: task.run.job,
      step,
    })
    for (const { dataset, windowed, newest } of facts.publishes) {
      const window = windowed ? task.run.window : null
      const above = await newest?.(window?.key ?? null)
      targets.push({ dataset, window, step, ...(above === undefined ? {} : { above }) })
    }
  }
  const intents = await options.store.intendPublication({ taskId: task.taskId, fence: task.fence }, targets)
  return intents === null ? null : { intents, steps }
}

/**
 * The group that a publish task stands for: all that publish together, or the one step that publishes alone. Steps of the
 * group that are published already, or were taken over from another run, are not in it.
 */
function publishedWith(step: string, steps: readonly StepRow[]): readonly string[] {
  const alone = steps.some((row) => row.name === step && row.publish === 'alone')
  if (alone) return [step]
  return steps.filter((row) => row.publish === 'together' && row.state === 'publishing').map((row) => row.name)
}
