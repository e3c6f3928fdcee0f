import type { ErrorReport, JsonValue } from '../kernel/errors.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Random } from '../kernel/random.ts'
import type { JobDefinition } from '../job/index.ts'
import type { ArtifactRef, Counters, StepKind } from '../protocol/index.ts'
import type { Finding } from '../trust/index.ts'

export interface DryRunRequest {
  readonly job: JobDefinition
  readonly artifact: ArtifactRef
  /** The project's folder, absolute: where inputs are read. */
  readonly project: string
  /** An empty folder, absolute: all that is written lies in it. */
  readonly scratch: string
  /** Key of the run's window, where the job has one. */
  readonly window: string | null
  readonly parameters: Readonly<Record<string, JsonValue>>
  /** Records of each dataset that are read. */
  readonly sample: number
  /** Only this step, and the steps that it needs; null for all. */
  readonly step: string | null
  /**
   * Whether function steps and steps that use services run: what they do outside cannot be undone. Steps that do not run are
   * `skipped`, with all that read them.
   */
  readonly effects: boolean
  readonly clock: Clock
  readonly random: Random
  /** Told of each step when it begins. */
  readonly onStep?: (step: string) => void
}

/** A record as JSON: decimals as text. */
export type Row = Readonly<Record<string, JsonValue>>

/** What a dry run came to: plain JSON, so that it can come from another process. */
export interface DryRunReport {
  readonly job: string
  /** Key; null for a job without windows. */
  readonly window: string | null
  readonly inputs: readonly DryInput[]
  readonly steps: readonly DryStep[]
  /** What would be published. */
  readonly outputs: readonly DryOutput[]
  /** Why it did not come to its end; null where it did. */
  readonly failure: (ErrorReport & { readonly step: string | null }) | null
  /** What the job's code logged, at most 50 lines. */
  readonly logs: readonly { readonly step: string; readonly level: string; readonly message: string }[]
}

/** A dataset that was read. */
export interface DryInput {
  readonly dataset: string
  readonly kind: 'files' | 'published' | 'table'
  /** Files (or published versions) that a run would read, and those that the sample was taken from. */
  readonly found: number
  readonly read: number
  /** Paths of the latter, from the project's folder. */
  readonly paths: readonly string[]
  readonly records: number
  /** The sample is all there is. */
  readonly whole: boolean
  /** Windows or files that are missing, and that the dataset lets be missing. */
  readonly notes: readonly string[]
  /** Why it could not be read; null where it could. */
  readonly error: ErrorReport | null
}

export interface DryStep {
  readonly name: string
  readonly kind: StepKind
  readonly state: 'ran' | 'failed' | 'skipped'
  /** Why it was skipped; null where it was not. */
  readonly why: string | null
  readonly counters: Counters | null
  /** Steps of kind records: the first records, and what became of each. */
  readonly records: readonly DryRecord[]
  /** Steps of kind reduce: the first keys, and what each was folded into. */
  readonly keys: readonly DryKey[]
  /** The first rows that it made, whatever of. */
  readonly rows: readonly Row[]
  /** By cause and reason, the most frequent first. */
  readonly dead: readonly DryDead[]
  /** Limits on dead letters, judged on the sample. */
  readonly limits: readonly Finding[]
  /** Names of the limits that are exceeded whatever comes after the sample: those on a count. */
  readonly certain: readonly string[]
  /** What a function step returned. */
  readonly result: JsonValue
}

export interface DryRecord {
  readonly source: string
  /** From 1, within the source. */
  readonly record: number
  readonly before: Row
  readonly after: readonly DryMade[]
  readonly fate: 'written' | 'dropped' | 'dead'
  /** Rule, contract reason or error code; null where it is not dead. */
  readonly reason: string | null
}

/** A record that was made of another. */
export interface DryMade {
  /** The named output that it is for; null for the records without a name. */
  readonly output: string | null
  readonly row: Row
}

export interface DryKey {
  readonly key: string
  readonly records: number
  /** The first of them. */
  readonly before: readonly Row[]
  readonly after: readonly Row[]
}

export interface DryDead {
  readonly cause: 'rule' | 'contract' | 'error'
  readonly reason: string
  readonly count: number
  readonly example: {
    readonly source: string
    readonly record: number
    readonly message: string
    /** As it stood in the source. */
    readonly raw: string
    /** Where the job's code threw; null where it did not. */
    readonly stack: string | null
  }
}

export interface DryOutput {
  readonly step: string
  /** The named output; null for the records without a name. */
  readonly output: string | null
  readonly dataset: string
  readonly records: number
  readonly rows: readonly Row[]
  /** Its checks, made on the sample, with their own severity. Counts of records are judged only where the sample is all. */
  readonly checks: readonly Finding[]
  /** Names of the checks that do not hold whatever comes after the sample: a record of its own breaks them. */
  readonly certain: readonly string[]
  /** Names of the checks that a sample cannot answer. */
  readonly unjudged: readonly string[]
}
