import type { JsonValue } from '../kernel/errors.ts'
import type { Checkpoint, TaskOutput } from './output.ts'
import type { Counters, ControlTotals } from './counters.ts'
import type { Snapshot } from './snapshot.ts'
import type { WindowValue } from './window.ts'

export type StepKind = 'records' | 'reduce' | 'sql' | 'function'

/** planning, verifying and publishing are tasks like any other. */
export type TaskKind = 'plan' | 'partition' | 'verify' | 'publish'

/** Names one attempt. The fence is the proof of ownership: it only grows, and every write carries it. */
export interface AttemptRef {
  readonly taskId: number
  readonly fence: number
  /** 1 for the first. */
  readonly attempt: number
}

/** What every task of a run knows about it. */
export interface RunContext {
  readonly runId: string
  readonly job: string
  /** 1 for the first; `rerun` makes the next. */
  readonly revision: number
  readonly window: WindowValue | null
  /** Parameters with their defaults filled in. */
  readonly parameters: Readonly<Record<string, JsonValue>>
  /** The run's own idea of now (end of its window, else the time it was created), ISO 8601: the same on every replay. */
  readonly logicalTime: string
  /** Seed for everything random in this run. */
  readonly seed: number
}

/** Where an attempt may write. Absolute paths. */
export interface Folders {
  /** The project: relative dataset locations start here. */
  readonly project: string
  /** `.batchwright`, beside the store. */
  readonly state: string
  /** This run's intermediate parts, dead letters, plans. */
  readonly run: string
}

/** The code to run: a bundle, named by its hash. */
export interface ArtifactRef {
  readonly codeVersion: string
  /** Absolute path of the bundle's ES module. */
  readonly path: string
}

/** A finished step as its readers see it. */
export interface StepOutput {
  readonly step: string
  readonly tasks: readonly { readonly index: number; readonly output: TaskOutput }[]
}

/** One slice of a step's input. The payload belongs to the step kind and the source. */
export interface PartitionPlan {
  /** From 0, dense; orders the step's parts. */
  readonly index: number
  readonly payload: JsonValue
  /** For people: `2011-01-04.csv.gz`, `lines.csv 0-64 MB`. */
  readonly label: string
  /** Expected records; null when not known. For progress, skew and order of dispatch. */
  readonly records: number | null
  readonly bytes: number | null
  /** The plan file, in the run's folder, that lists the inputs of the step's lookups. Absent where it has none. */
  readonly lookups?: { readonly path: string; readonly sha256: string }
}

interface AssignmentBase {
  readonly ref: AttemptRef
  readonly run: RunContext
  readonly step: string
  readonly folders: Folders
  readonly artifact: ArtifactRef
  /** Milliseconds the attempt may take; null for no limit. The engine enforces it; the slot may use it. */
  readonly timeoutMs: number | null
}

/** Fix the step's input and cut it into partitions. */
export interface PlanAssignment extends AssignmentBase {
  readonly kind: 'plan'
  /** Outputs of the steps this one reads. */
  readonly upstream: readonly StepOutput[]
  /** The snapshot of an earlier plan of this run, when it must be the same (resume, replay); else null. */
  readonly expected: Snapshot | null
  /**
   * Digest of the snapshots that its upstream records come from, through all steps in between: names records of steps the
   * same in every run on the same input. Absent where there are none.
   */
  readonly lineage?: string
}

/** Work through one partition. */
export interface PartitionAssignment extends AssignmentBase {
  readonly kind: 'partition'
  readonly partition: PartitionPlan
  /** Where the last attempt got to; null to start at the partition's beginning. */
  readonly checkpoint: Checkpoint | null
  /**
   * Absolute path of JSON Lines with dead letters of this step that were mended: their text stands in for the source's, at
   * their places. Set for the step whose dead letters a run replays.
   */
  readonly mended?: string
}

/** Judge the whole step: reconcile, limits, control totals, checks. */
export interface VerifyAssignment extends AssignmentBase {
  readonly kind: 'verify'
  readonly output: StepOutput
  readonly snapshot: Snapshot | null
  readonly totals: { readonly counters: Counters; readonly controls: ControlTotals }
  /** Totals of the steps it reads, for controls that must agree across steps. */
  readonly upstream: readonly { readonly step: string; readonly controls: ControlTotals; readonly counters: Counters }[]
}

/** One dataset window to be published: the intent that the store recorded before anything became visible. */
export interface PublicationIntent {
  readonly dataset: string
  readonly window: WindowValue | null
  /** Number of the manifest, allocated by the store, for this dataset and window. */
  readonly number: number
  readonly step: string
}

/** Make finished outputs visible: replay a recorded intent to its end. */
export interface PublishAssignment extends AssignmentBase {
  readonly kind: 'publish'
  readonly intents: readonly PublicationIntent[]
  readonly outputs: readonly StepOutput[]
  /** Digests of all snapshots of the run, by step: they go into the manifest as its inputs. */
  readonly inputs: readonly { readonly step: string; readonly snapshot: Snapshot }[]
}

export type Assignment = PlanAssignment | PartitionAssignment | VerifyAssignment | PublishAssignment
