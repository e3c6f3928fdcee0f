import type { ErrorReport } from '../kernel/errors.ts'

/** What a task's errors may speak of. */
export interface TaskNames {
  readonly runId: string
  readonly job: string
  readonly windowKey: string | null
  readonly step: string
  /** Null for tasks that belong to the whole step. */
  readonly index: number | null
}

/**
 * Puts names into the commands of a hint. What runs in a slot writes `batchwright retry RUN --from STEP` and the like: it
 * does not know the run. Only between backticks, and only the words RUN, JOB, STEP, PARTITION and WINDOW.
 */
export function namedIn(error: ErrorReport, names: TaskNames): ErrorReport {
  const { hint } = error
  if (hint === undefined) return error
  return { ...error, hint: hint.replace(/`[^`]+`/g, (command) => filled(command, names)) }
}

function filled(command: string, { runId, job, windowKey, step, index }: TaskNames): string {
  const fitting = windowKey === null ? command.replace(/ --window WINDOW\b/, '') : command
  const words: Readonly<Record<string, string | null>> = {
    RUN: runId,
    JOB: job,
    STEP: step,
    WINDOW: windowKey,
    PARTITION: index === null ? null : String(index),
  }
  return fitting.replace(/\b[A-Z]+\b/g, (word) => words[word] ?? word)
}
