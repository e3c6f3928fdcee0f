import type { Clock } from '../kernel/clock.ts'
import { systemClock } from '../kernel/clock.ts'
import type { BatchwrightError } from '../kernel/errors.ts'
import type { Random } from '../kernel/random.ts'
import { systemRandom } from '../kernel/random.ts'
import type { Executor } from '../executors/index.ts'
import type { StopReason } from '../protocol/index.ts'
import type { ClaimedTask, NewWorker, RunRow, Store, StoreAddress } from '../store/index.ts'
import type { Decision } from './retry.ts'
import type { AttemptLogLine } from './attempt.ts'
import type { DescribeStep } from './facts.ts'
import type { ProcessIdentity } from '../kernel/process-identity.ts'
import { ownIdentity } from '../kernel/process-identity.ts'

/** What the composition root wants to hear of. All optional; none may throw. */
export interface WorkerHooks {
  /** A line of a run's log, from inside an attempt. */
  readonly log?: (line: AttemptLogLine) => void
  /** The worker is known to the store under this id; again under a new one after it was declared dead. */
  readonly registered?: (workerId: string) => void
  /** Tasks were claimed, and begin. */
  readonly claimed?: (tasks: readonly ClaimedTask[]) => void
  /** An attempt has ended and is recorded. `stop`: why it was asked to stop; null where nobody asked. */
  readonly ended?: (task: ClaimedTask, decision: Decision, stop: StopReason | null) => void
  /** A run has ended by this worker's doing. Awaited before the attempt's slot counts as free. */
  readonly runEnded?: (run: RunRow) => Promise<void>
  /** The store failed for the moment; the call is made again after `waitMs`. */
  readonly storeTrouble?: (error: BatchwrightError, waitMs: number) => void
  /** A renewal of the lease was missed. */
  readonly renewalMissed?: (error: unknown) => void
  /** The worker was declared dead, dropped what it ran and registers anew. */
  readonly reborn?: (workerId: string) => void
}

export interface WorkerOptions {
  readonly store: Store
  readonly executors: readonly Executor[]
  readonly describe: DescribeStep
  /** Absolute paths: the project, and its `.batchwright`. */
  readonly folders: { readonly project: string; readonly state: string }
  /** Where the code of a version lies on this host. Default: where the run says, which is right on one machine. */
  readonly artifactPath?: (codeVersion: string, named: string) => string
  /** What the store knows of this worker beside its process: for people, and its proof that it sees the common storage. */
  readonly about?: Pick<NewWorker, 'name' | 'version' | 'storage'>
  /** Attempts that run at once, whatever their isolation. */
  readonly slots: number
  /** Only tasks of these runs; absent for any. */
  readonly runs?: readonly string[]
  /**
   * `thread`: renewals on a thread and a connection of their own, for every store that a second connection can open.
   * `local` (default): on this thread's clock, for stores in memory and virtual clocks.
   */
  readonly heartbeat?: { readonly kind: 'thread'; readonly store: StoreAddress } | { readonly kind: 'local' }
  /** Default 6,000: three heartbeats. */
  readonly leaseMs?: number
  /** Default 2,000. */
  readonly heartbeatMs?: number
  /** How long the main thread may be silent before its lease is no longer renewed; default 30,000. */
  readonly silenceMs?: number
  /** How often one looks for work where the store tells of none, milliseconds; default 1,000. */
  readonly pollMs?: number
  /** Default 1,000. */
  readonly reapEveryMs?: number
  /** Crashes under a task before it fails; default 3. */
  readonly crashLimit?: number
  /** How long stopped attempts may take to reach a commit. Default: 2 s when cancelled, lost or timed out, else 30 s. */
  readonly stopGraceMs?: Partial<Readonly<Record<StopReason, number>>>
  readonly clock?: Clock
  readonly random?: Random
  readonly identity?: ProcessIdentity
  readonly hooks?: WorkerHooks
}

/** The options with their defaults filled in. */
export interface WorkerSettings extends Required<Omit<WorkerOptions, 'runs' | 'stopGraceMs'>> {
  readonly runs: readonly string[] | null
  readonly stopGraceMs: Readonly<Record<StopReason, number>>
}

const STOP_GRACE_MS: Readonly<Record<StopReason, number>> = {
  cancelled: 2_000,
  lost: 2_000,
  timeout: 2_000,
  paused: 30_000,
  preempted: 30_000,
}

export function settle(options: WorkerOptions): WorkerSettings {
  return {
    store: options.store,
    executors: options.executors,
    describe: options.describe,
    folders: options.folders,
    slots: options.slots,
    runs: options.runs ?? null,
    artifactPath: options.artifactPath ?? ((_, named) => named),
    about: options.about ?? {},
    heartbeat: options.heartbeat ?? { kind: 'local' },
    leaseMs: options.leaseMs ?? 6_000,
    heartbeatMs: options.heartbeatMs ?? 2_000,
    silenceMs: options.silenceMs ?? 30_000,
    pollMs: options.pollMs ?? 1_000,
    reapEveryMs: options.reapEveryMs ?? 1_000,
    crashLimit: options.crashLimit ?? 3,
    stopGraceMs: { ...STOP_GRACE_MS, ...options.stopGraceMs },
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    identity: options.identity ?? ownIdentity(),
    hooks: options.hooks ?? {},
  }
}
