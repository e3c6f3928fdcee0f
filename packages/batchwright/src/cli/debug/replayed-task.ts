/** The task that is replayed, and what can be wrong with what it read. */
import { BatchwrightError } from '../../kernel/errors.ts'
import type { PartitionPlan } from '../../protocol/index.ts'
import type { RunRow, Store, TaskRow } from '../../store/index.ts'

/** The task of a replay. */
export interface ReplayedTask {
  readonly store: Store
  readonly run: RunRow
  readonly task: TaskRow
}

/** As it is named in a command: RUN/STEP/PARTITION. */
export function placeOf({ run, task }: Pick<ReplayedTask, 'run' | 'task'>): string {
  return `${run.runId}/${task.step}/${String(task.index ?? 0)}`
}

/** What a partition task works on. Throws STORE_INCONSISTENT. */
export function partitionOf({ partition, step, taskId }: TaskRow): PartitionPlan {
  if (partition !== null) return partition
  throw new BatchwrightError({
    code: 'STORE_INCONSISTENT',
    message: `task ${String(taskId)} of step ${step}: found a partition task without a partition`,
    details: { taskId, step },
  })
}

/** Codes of a source that is not there any more as it was planned. */
const GONE = new Set([
  'INPUT_CHANGED',
  'INPUT_MISSING',
  'OUTPUT_LOST',
  'PLAN_DAMAGED',
  'DEAD_LETTERS_MISSING',
  'ENOENT',
])

export function isGone(thrown: unknown): thrown is Error {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' && GONE.has(thrown.code)
}
