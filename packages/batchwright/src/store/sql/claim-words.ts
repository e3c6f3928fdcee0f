import type { ClaimRequest } from '../contract/index.ts'
import type { QueuedStep } from './queued.ts'
import type { Session } from './session.ts'

/** A task that can be had; where there are locks, its row is locked. */
export interface Head {
  readonly taskId: number
  readonly step: QueuedStep
  readonly crashCount: number
  /** Whether it had an attempt before. */
  readonly again: boolean
}

/** What a database does in words of its own: the same, in fewer statements. */
export interface ClaimWords {
  /** Tasks at the heads of these steps, in their order, at most `limit` together. */
  heads(session: Session, request: ClaimRequest, steps: readonly QueuedStep[], limit: number): Promise<readonly Head[]>
  lease(session: Session, request: ClaimRequest, heads: readonly Head[]): Promise<void>
  /** Takes steps that have no ready task out of their lanes, unless one has become ready since they were looked at. */
  settle(session: Session, steps: readonly QueuedStep[]): Promise<void>
}
