import type { Progress, TaskKind } from '../protocol/index.ts'
import type { ClaimedTask } from '../store/contract.ts'

/** Where one running attempt is. */
export interface TaskProgress {
  readonly taskId: number
  readonly runId: string
  readonly step: string
  readonly kind: TaskKind
  /** Partition index; null for plan, verify and publish tasks. */
  readonly index: number | null
  readonly label: string
  /** From 1. */
  readonly attempt: number
  /** Null until the attempt has said anything. */
  readonly progress: Progress | null
}

/** Where an attempt at a task is. */
export function progressOf(task: ClaimedTask, progress: Progress | null): TaskProgress {
  return {
    taskId: task.taskId,
    runId: task.run.runId,
    step: task.step,
    kind: task.kind,
    index: task.partition?.index ?? null,
    label: task.partition?.label ?? task.kind,
    attempt: task.attemptsUsed + 1,
    progress,
  }
}

type Listener = (change: TaskProgress) => void

/** The running attempts of this process and how far they are: for screens, never for decisions. */
export class ProgressFeed {
  readonly #running = new Map<number, TaskProgress>()
  readonly #listeners = new Set<Listener>()

  /** What runs now, in order of task. */
  running(): readonly TaskProgress[] {
    return [...this.#running.values()].sort((left, right) => left.taskId - right.taskId)
  }

  /** Calls back at each change until the returned function is called. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  update(change: TaskProgress): void {
    this.#running.set(change.taskId, change)
    for (const listener of this.#listeners) listener(change)
  }

  ended(taskId: number): void {
    this.#running.delete(taskId)
  }
}
