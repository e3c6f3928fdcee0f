import type { StopReason } from '../protocol/index.ts'
import type { TaskLease } from '../store/contract.ts'

/** What a worker sees through from a claim to the store: one attempt, or a batch of short ones. */
export interface Work {
  /** The run that it belongs to. */
  readonly runId: string
  /** The leases that it holds now. */
  leases(): readonly TaskLease[]
  /** Asks it to stop at its next commit; past the reason's grace its slot is ended. */
  stop(reason: StopReason): void
  /** The store says that one of its leases is another's. */
  lose(lease: TaskLease): void
  /** Ends its slot at once. What was committed stays. */
  abort(why: string): void
  /**
   * Runs it to its end and records it; `left` is called where its slot is free before that. Rejects only when the store
   * fails for good.
   */
  run(left: () => void): Promise<WorkEnd>
}

export interface WorkEnd {
  /** The run may have ended with it. */
  readonly mayEndRun: boolean
}

/** A stronger reason to stop replaces a weaker one: what is lost is lost, whatever else was asked. */
const STRENGTH: Readonly<Record<StopReason, number>> = { preempted: 0, paused: 1, timeout: 2, cancelled: 3, lost: 4 }

/** Whether a reason to stop replaces the one there is. */
export function isStronger(reason: StopReason, than: StopReason | null): boolean {
  return than === null || STRENGTH[reason] > STRENGTH[than]
}

/** Whether nothing is waited for any more: a slot whose code goes on all the same is ended. */
export function isHardStop(reason: StopReason | null): boolean {
  return reason !== null && STRENGTH[reason] >= STRENGTH.timeout
}
