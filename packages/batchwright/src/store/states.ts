/**
 * The one transition table. Store guards, SQL checks, the picture in the docs and the conformance cases are derived from
 * it; nothing else decides whether a change of state is legal. States are entered by arrows, with one exception: a run that
 * replays dead letters is born with what it takes over from an earlier one, so steps and tasks of it may begin as succeeded,
 * and the step of the letters as running (createRun, event `step.adopted`).
 */

/**
 * - `queued`: created or resumed; nothing of it is leased yet. A worker's first claim moves it on.
 * - `running`: at least one task has been claimed since it was queued.
 * - `succeeded`: every step succeeded or was skipped, and everything it publishes is published. Final.
 * - `failed`: a step failed for good; its other work was given back. `resume` queues it again.
 * - `cancelled`: a person ended it. `resume` queues it again.
 */
export type RunState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled'

/**
 * - `waiting`: a step it reads, or comes after, is not ready yet.
 * - `planning`: its plan task is ready or leased.
 * - `running`: its plan is sealed; partition tasks remain.
 * - `verifying`: all partitions are done; its verify task is ready or leased.
 * - `publishing`: whole and verified; waits for, or is in, the act of publication. Steps that read it may start.
 * - `succeeded`, `failed`, `cancelled`, `skipped`: ended.
 */
export type StepState =
  'waiting' | 'planning' | 'running' | 'verifying' | 'publishing' | 'succeeded' | 'failed' | 'cancelled' | 'skipped'

/**
 * - `ready`: can be claimed once its not-before has passed and its lane is open.
 * - `leased`: owned by one worker under one fence.
 * - `succeeded`, `failed`, `cancelled`: ended.
 */
export type TaskState = 'ready' | 'leased' | 'succeeded' | 'failed' | 'cancelled'

/** One legal arrow and what may cause it. */
export interface Transition<State extends string> {
  readonly from: State
  readonly to: State
  /** The store verbs that take this arrow. */
  readonly by: readonly string[]
}

export const RUN_TRANSITIONS: readonly Transition<RunState>[] = [
  { from: 'queued', to: 'running', by: ['claim'] },
  { from: 'queued', to: 'cancelled', by: ['cancelRun'] },
  { from: 'running', to: 'succeeded', by: ['finish'] },
  { from: 'running', to: 'failed', by: ['finish', 'reap'] },
  { from: 'running', to: 'cancelled', by: ['cancelRun'] },
  { from: 'failed', to: 'queued', by: ['reopenRun'] },
  { from: 'cancelled', to: 'queued', by: ['reopenRun'] },
]

export const STEP_TRANSITIONS: readonly Transition<StepState>[] = [
  { from: 'waiting', to: 'planning', by: ['createRun', 'finish', 'reopenRun'] },
  { from: 'planning', to: 'running', by: ['finish'] },
  { from: 'running', to: 'verifying', by: ['finish'] },
  { from: 'verifying', to: 'publishing', by: ['finish'] },
  { from: 'publishing', to: 'succeeded', by: ['finish'] },
  ...(['waiting', 'planning', 'running', 'verifying', 'publishing'] as const).flatMap((from) => [
    { from, to: 'cancelled' as const, by: ['cancelRun'] },
    ...(from === 'waiting' ? [] : [{ from, to: 'failed' as const, by: ['finish', 'reap'] }]),
  ]),
  { from: 'waiting', to: 'skipped', by: ['finish'] },
  // A resume takes up each ended step where its tasks stand; `--from STEP` starts it, and what reads it, again.
  ...(['failed', 'cancelled'] as const).flatMap((from) =>
    (['waiting', 'planning', 'running', 'verifying', 'publishing'] as const).map((to) => ({
      from,
      to,
      by: ['reopenRun'],
    })),
  ),
  ...(['planning', 'running', 'verifying', 'publishing', 'succeeded'] as const).map((from) => ({
    from,
    to: 'waiting' as const,
    by: ['reopenRun'],
  })),
  // One partition is made ready again: its step runs again.
  ...(['verifying', 'publishing', 'succeeded'] as const).map((from) => ({
    from,
    to: 'running' as const,
    by: ['reopenRun'],
  })),
]

export const TASK_TRANSITIONS: readonly Transition<TaskState>[] = [
  // finish: a copy of a task that nobody owns is first, and its lease becomes the task's
  { from: 'ready', to: 'leased', by: ['claim', 'finish'] },
  { from: 'ready', to: 'cancelled', by: ['cancelRun'] },
  { from: 'leased', to: 'succeeded', by: ['finish'] },
  { from: 'leased', to: 'failed', by: ['finish', 'reap'] },
  { from: 'leased', to: 'cancelled', by: ['cancelRun'] },
  // retry with not-before; given back; lease lost; a sibling failed and took the run with it
  { from: 'leased', to: 'ready', by: ['finish', 'giveBack', 'renew', 'retireWorker', 'reap'] },
  { from: 'failed', to: 'ready', by: ['reopenRun'] },
  { from: 'cancelled', to: 'ready', by: ['reopenRun'] },
  // only: its output is lost
  { from: 'succeeded', to: 'ready', by: ['reopenRun'] },
]

/** Whether the table has the arrow. */
export function isLegal<State extends string>(table: readonly Transition<State>[], from: State, to: State): boolean {
  return table.some((transition) => transition.from === from && transition.to === to)
}

export const ENDED_RUN_STATES = ['succeeded', 'failed', 'cancelled'] as const satisfies readonly RunState[]
