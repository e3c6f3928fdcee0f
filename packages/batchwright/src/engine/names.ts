import type { ClaimedTask } from '../store/contract.ts'
import { namedIn } from './hints.ts'
import type { Decision } from './retry.ts'

/** The decision with the task's names in the commands of its error's hint. */
export function withNamesOf({ run, step, partition }: ClaimedTask, decision: Decision): Decision {
  if (decision.kind !== 'failed' && decision.kind !== 'retry') return decision
  const names = {
    runId: run.runId,
    job: run.job,
    windowKey: run.window?.key ?? null,
    step,
    index: partition?.index ?? null,
  }
  return { ...decision, error: namedIn(decision.error, names) }
}
