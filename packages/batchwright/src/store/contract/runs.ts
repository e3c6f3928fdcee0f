import type { CopyRule } from './stragglers.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import type { StepKind, WindowValue } from '../../protocol/index.ts'
import type { RunRow } from './rows.ts'

export interface NewStep {
  readonly name: string
  readonly kind: StepKind
  /** Names of the steps it reads or comes after. */
  readonly after: readonly string[]
  /** `together`: with the run's other outputs; `alone`: as soon as it is verified; `none`: it publishes nothing. */
  readonly publish: 'together' | 'alone' | 'none'
  /** Whether running partitions may be cut; default false. */
  readonly rebalance?: boolean
  /** When slow partitions get a copy; absent for never. */
  readonly speculation?: CopyRule
  /** Names of the services that it uses: while one of them is left alone, its tasks are not claimed. */
  readonly services?: readonly string[]
  /** The pool that its tasks take places of. Absent: none. */
  readonly pool?: string
}

export interface NewRun {
  /** Made by the caller, so that a repeated call after an unknown outcome finds the same run. */
  readonly runId: string
  readonly job: string
  readonly window: WindowValue | null
  /** SHA-256 of canonical JSON of job, window and identity parameters as given; or a key of the caller's. */
  readonly identity: string
  /** `same`: the unfinished or finished run of this identity is found; `next`: a new revision is made. */
  readonly revision: 'same' | 'next'
  readonly parameters: Readonly<Record<string, JsonValue>>
  readonly codeVersion: string
  /** Where the bundle lies. */
  readonly artifactPath: string
  readonly logicalTime: string
  readonly seed: number
  readonly steps: readonly NewStep[]
  /** Who or what asked, for the audit trail: `cli`, `schedule:...`. */
  readonly requestedBy: string
  /** Replay of dead letters: the run begins with what it takes over from an earlier one. */
  readonly replay: DeadLetterReplay | null
  /** On whose behalf: slots are shared between tenants. Absent: '', those that name none. */
  readonly tenant?: string
  /** Beside other runs of its tenant: the higher goes first. A whole number; absent: 0. */
  readonly priority?: number
}

/**
 * A revision that takes over what succeeded in an earlier run, works through the partitions of some dead letters once more,
 * and runs what reads them again. Steps and partitions run again on the snapshot that the earlier run had planned.
 */
export interface DeadLetterReplay {
  /** A run of the same job that has succeeded, with the same steps. */
  readonly ofRunId: string
  readonly step: string
  /** Absolute path of JSON Lines with the dead letters that were mended: their text stands in for the source's. */
  readonly file: string
  /** Ids of the dead letters that are worked through once more, mended or not. */
  readonly deadLetters: readonly string[]
  /**
   * Indexes of the step's partitions that run again; the others are taken over with their outputs. Null: the step is
   * planned again, and all of it runs.
   */
  readonly partitions: readonly number[] | null
  /**
   * Steps that are taken over whole, in the state `succeeded`, with their tasks and outputs: their published versions stand,
   * and they publish nothing. With each of them all it comes after; all other steps run from their plans on.
   */
  readonly adopted: readonly string[]
}

export interface RunVerbs {
  /**
   * Creates a run with its steps; root steps go to planning with a ready plan task each. Idempotent: where `same` finds
   * the identity's newest revision, that run is returned and nothing changes. With `replay` the run is born with what it
   * takes over, in the same transaction: whole steps, and the succeeded partitions of the step whose letters are replayed.
   * Refused with RUN_NOT_REPLAYABLE where the other run does not exist, has not succeeded, or does not have these steps;
   * with REPLAY_INVALID where a step that is taken over comes after one that is not.
   */
  createRun(run: NewRun): Promise<{ readonly run: RunRow; readonly created: boolean }>
  /**
   * failed | cancelled -> queued. Failed and cancelled tasks become ready with fresh attempts and keep their checkpoints;
   * succeeded ones stay. `from` starts that step and every step that depends on it again from planning, on the same
   * snapshot. `partition` makes one more task ready: that one, from its start. `code` moves the run to other code: the
   * caller has compared the plans' fingerprints. Refused with RUN_NOT_RESUMABLE in any other state.
   */
  reopenRun(
    runId: string,
    how: {
      readonly from?: string
      readonly partition?: { readonly step: string; readonly index: number }
      readonly code?: { readonly codeVersion: string; readonly artifactPath: string }
      readonly by: string
    },
  ): Promise<RunRow>
  /**
   * queued | running -> cancelled: steps and unfinished tasks too, fences moved, so that no late write of the run's
   * workers counts. Refused with RUN_PUBLISHING once a publication intent is recorded, RUN_ENDED when it has ended.
   */
  cancelRun(runId: string, reason: { readonly by: string; readonly why: string }): Promise<RunRow>
  /** Sets or clears the flag that closes the run's lanes. Leased tasks are asked to give back by their workers. */
  pauseRun(runId: string, paused: boolean, by: string): Promise<RunRow>
}
