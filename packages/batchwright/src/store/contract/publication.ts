import type { PublicationIntent, WindowValue } from '../../protocol/index.ts'
import type { TaskLease } from './tasks.ts'

export interface PublicationTarget {
  readonly dataset: string
  readonly window: WindowValue | null
  /** The step whose output it is; null for a rollback. */
  readonly step: string | null
  /** The highest number found on disk, where a publisher looked: a store made anew must not give out a number that exists. */
  readonly above?: number
}

export interface PublicationVerbs {
  /**
   * Records, under the publish task's lease, which dataset windows are about to be published, and allocates each one's
   * next number. Asked again (by a later attempt too) it answers with the recorded numbers. Null when fenced.
   */
  intendPublication(
    lease: TaskLease,
    targets: readonly PublicationTarget[],
  ): Promise<readonly PublicationIntent[] | null>
  /** Allocates the next number of a dataset window for a rollback to an earlier one. */
  intendRollback(
    dataset: string,
    windowKey: string | null,
    toNumber: number,
    by: string,
    /** The highest number found on disk. */
    above?: number,
  ): Promise<number>
  /** Records that manifest `number` is on disk and current. Idempotent. */
  recordRollback(dataset: string, windowKey: string | null, number: number, toNumber: number): Promise<void>
  listPublications(filter: {
    readonly dataset?: string
    readonly windowKey?: string | null
    readonly runId?: string
  }): Promise<readonly PublicationRow[]>
}

export interface PublicationRow {
  readonly dataset: string
  readonly window: WindowValue | null
  readonly number: number
  readonly runId: string | null
  readonly step: string | null
  /** For a rollback: the number whose content it shows again. */
  readonly rollbackTo: number | null
  readonly state: 'intended' | 'published'
  readonly intendedAt: number
  readonly publishedAt: number | null
}
