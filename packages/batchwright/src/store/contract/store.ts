import type { FleetVerbs } from './fleet.ts'
import type { LaneVerbs } from './lanes.ts'
import type { RunVerbs } from './runs.ts'
import type { WorkerVerbs } from './workers.ts'
import type { EffectVerbs } from './effects.ts'
import type { ServiceVerbs } from './services.ts'
import type { StragglerVerbs } from './stragglers.ts'
import type { TaskVerbs } from './tasks.ts'
import type { RetentionVerbs } from './retention.ts'
import type { PublicationVerbs } from './publication.ts'
import type { Reads } from './reads.ts'

/**
 * The store: verbs that each mean something, each one transaction together with its events. Sets in, sets out, so that a
 * group of tasks costs one round trip. Every verb that changes a task names its lease and answers for each item whether
 * the lease still held. The store's own clock decides leases and due times.
 */
export interface Store
  extends
    RetentionVerbs,
    StragglerVerbs,
    ServiceVerbs,
    EffectVerbs,
    RunVerbs,
    WorkerVerbs,
    FleetVerbs,
    LaneVerbs,
    TaskVerbs,
    PublicationVerbs,
    Reads {
  /** The store's clock, milliseconds since the epoch. */
  now(): Promise<number>
  /**
   * Resolves when something may have happened since it was last waited for (in another process too), or after `ms`. What
   * wakes is a new row of the outbox: renewals and checkpoints wake nobody. Never rejects on abort.
   */
  waitForChange(ms: number, signal?: AbortSignal): Promise<void>
  close(): Promise<void>
  /** Whether a run with a replay takes over the succeeded tasks of the run it replays. Absent: it does not, and none must be made. */
  readonly adoptsReplayed?: boolean
}
