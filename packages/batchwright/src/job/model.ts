/**
 * What a job is once it is defined: plain data and functions. The builders make it, everything else reads it. Everything
 * has been parsed and checked when it is here: durations are milliseconds, names resolve, the graph has no cycle.
 */
import type { Decimal } from '../kernel/decimal.ts'
import type { Speculation } from './stragglers.ts'
import type { JsonValue } from '../kernel/errors.ts'
import type { InDoubt, ServiceRules, WindowValue } from '../protocol/index.ts'

/** A job as the engine sees it: what `job(...)` gives. Frozen. */
export interface JobDefinition {
  readonly name: string
  readonly description: string | null
  readonly owner: string | null
  readonly window: WindowSpec | null
  readonly parameters: ParameterSet | null
  /** In order of dependency: a step stands after everything it reads. Includes the implicit `<reduce>.map` steps. */
  readonly steps: readonly StepDefinition[]
  /** Every dataset that a step reads or writes, by name. */
  readonly datasets: ReadonlyMap<string, DatasetDefinition>
  readonly timeoutMs: number | null
  /** How fast tasks of a run are tried again, all together; null for no limit. */
  readonly retryBudget: RetryBudget | null
  /** Absent: none. */
  readonly tenant?: string
  /** Absent: 0. */
  readonly priority?: number
}

/** Retries of a whole run. Beyond it they wait for their turn, or the run fails. */
export interface RetryBudget {
  /** At most `count` retries in any `perMs`. */
  readonly count: number
  readonly perMs: number
  readonly beyond: 'wait' | 'fail'
}

// ---------------------------------------------------------------- windows and parameters

/** A kind of window: how data time is cut. */
export interface WindowSpec {
  readonly kind: WindowValue['kind']
  readonly timezone: string
  /** Length in milliseconds for kind `interval`; null otherwise. */
  readonly lengthMs: number | null
  /** Reads a key as a user writes it (`2011-01`, `2011-01-04`, `latest` is the caller's). Throws WINDOW_INVALID. */
  parse(key: string): WindowValue
  /** The window that an instant (ISO 8601) lies in. */
  containing(instant: string): WindowValue
  /** The window `steps` later; earlier when negative. */
  shift(window: WindowValue, steps: number): WindowValue
  /** All windows of this kind that start in [start, end), in time order. */
  within(bounds: { readonly start: string; readonly end: string }): readonly WindowValue[]
}

/** Parameters as the engine uses them: their schema, and which of them are part of the identity of a run. */
export interface ParameterSet {
  readonly schema: RecordSchema
  /** Names of the parameters that belong to the run's identity. */
  readonly identity: readonly string[]
  /** Reads values as given on a command line or as JSON; fills in defaults. Throws PARAMETER_INVALID. */
  parse(given: Readonly<Record<string, JsonValue>>): Readonly<Record<string, JsonValue>>
}

// ---------------------------------------------------------------- records and contracts

/** The values a field of our own types can hold. Any Standard Schema may hold anything JSON. */
export type FieldValue = JsonValue | Decimal

/** Types of our own fields: what a CSV cell is read as, and how it is written. */
export type FieldType =
  | { readonly type: 'text' }
  | { readonly type: 'integer' }
  | { readonly type: 'number' }
  /** Exact; written with exactly `scale` decimals. Reading more decimals than `scale` is refused, never rounded. */
  | { readonly type: 'decimal'; readonly scale: number }
  | { readonly type: 'boolean' }
  /** `YYYY-MM-DD` in records, whatever it looked like outside. */
  | { readonly type: 'date' }
  /** ISO 8601 in records: with `Z`, or local (no offset) where the data has no zone. */
  | { readonly type: 'timestamp'; readonly local: boolean }
  | { readonly type: 'oneOf'; readonly values: readonly string[] }
  /** Anything JSON can say; in CSV as JSON text. */
  | { readonly type: 'json' }

/** A field with its name: how it is read from outside, and written. */
export interface FieldDefinition {
  readonly name: string
  /** Name of the column outside, where it differs. */
  readonly column: string
  readonly type: FieldType
  /** A blank or missing value reads as null. */
  readonly optional: boolean
  /** A blank or missing value reads as this, where declared. */
  readonly defaultValue: FieldValue | undefined
  /** Reads one outside value (CSV text; JSON value). Returns a Fault instead of throwing. */
  read(outside: unknown): FieldValue | Fault
  /** Writes to CSV text. */
  toText(value: FieldValue): string
  /** Writes to a JSON value: decimals become strings with their full scale. */
  toJson(value: FieldValue): JsonValue
}

/** Why a value or a record does not meet its contract. Not an Error: there may be millions. */
export class Fault {
  /** Becomes the dead letter's reason: `blank`, `bad_number`, `bad_date`, `field_count`, or the field's own `reason`. */
  readonly reason: string
  /** `column UnitPrice: expected a decimal with up to 3 places, found "1,95"`. */
  readonly message: string
  readonly column: string | null

  constructor(reason: string, message: string, column: string | null) {
    this.reason = reason
    this.message = message
    this.column = column
  }
}

/** A record schema, ours (`fields` present, read by compiled code) or any Standard Schema (`fields` null, JSON in and out). */
export interface RecordSchema {
  readonly fields: readonly FieldDefinition[] | null
  /**
   * Reads a CSV record. `columns[i]` is the place of field i in the row, -1 where the file has no such column. Compiled once
   * for a header, so that the hot loop has no look-ups. Only where `fields` is present.
   */
  compileRow(columns: readonly number[]): (cells: readonly string[]) => object | Fault
  /** Reads a JSON object (or the object made of a CSV row, for foreign schemas). */
  readObject(value: unknown): object | Fault
  /** Compiled once: a record as one line of JSON, without the newline. Checks nothing. */
  compileJson(): (record: object) => string
  /**
   * Compiled once: a record as CSV cells, quoted where needed, without the newline. Commas and double quotes by default.
   * Throws SCHEMA_WITHOUT_COLUMNS for a foreign schema.
   */
  compileCsv(dialect?: { readonly delimiter: string; readonly quote: string }): (record: object) => string
  /** Checks a record that a step made, before it is written: exactly the declared fields, each of its type. */
  check(record: unknown): Fault | null
}

/** A contract as steps use it: its version, its schema, and how older records become newer ones. */
export interface ContractDefinition {
  /** Contract version, from 1. */
  readonly version: number
  readonly schema: RecordSchema
  /** From an older version's record to the next one's, by the older version. */
  readonly upcast: ReadonlyMap<number, (old: Readonly<Record<string, unknown>>) => unknown>
}

// ---------------------------------------------------------------- datasets

/** A dataset as steps use it: all options with their defaults filled in. */
export interface DatasetDefinition {
  readonly name: string
  readonly window: WindowSpec | null
  /** What a missing window or file means to a reader. */
  readonly missing: 'fail' | 'skip'
  readonly format: FormatDefinition
  readonly contract: ContractDefinition
  /** Fields that name a record; null where there is no key. */
  readonly key: readonly string[] | null
  readonly checks: readonly CheckDefinition[]
  readonly location:
    /** Raw files that others put there: paths or globs, relative to the project. Read only. */
    | {
        readonly kind: 'files'
        readonly paths: (context: {
          readonly window: (WindowValue & { readonly date: string }) | null
          readonly parameters: Readonly<Record<string, JsonValue>>
          /** The project's folder, absolute: for a function that looks which of several folders is there. */
          readonly project: string
        }) => readonly string[]
      }
    /** A folder of published versions, with manifests. Written by steps and read by others. */
    | { readonly kind: 'published'; readonly folder: string }
    /** A table of a database. */
    | TablePlace
}

/** Where a table is. */
export type TableLocation =
  /** `url` names the secret that holds the connection URL. */
  | { readonly database: 'postgres'; readonly url: string; readonly schema: string | null; readonly table: string }
  /** `file` is relative to the project folder. */
  | { readonly database: 'sqlite'; readonly file: string; readonly table: string }

/**
 * How rows get into a table. `insert` and `upsert` write in place, and are progressive: readers see rows with each commit.
 * `replaceWindow` is all or nothing: rows are staged in a table of their own, and take the place of the window's (without a
 * window: of all) in one transaction at publication.
 */
export type TableMode = 'insert' | 'upsert' | 'replaceWindow'

/** A table as a dataset's location. Its sink is transactional: rows and position are committed together. */
export interface TablePlace {
  readonly kind: 'table'
  readonly table: TableLocation
  /** Null for a table that is only read. */
  readonly mode: TableMode | null
  /** The field that says which window a row is of; null where rows belong to no window. */
  readonly windowBy: string | null
  readonly read: {
    readonly consistency: 'live' | 'snapshot'
    /** The field whose highest value at planning bounds what is read; null for no such bound. */
    readonly asOf: string | null
    readonly checksum: boolean
  }
  /** How long publication waits for a lock before it lets others go first and tries again, milliseconds. */
  readonly lockTimeoutMs: number
}

/** A format with its options filled in: what `csv()`, `tsv()`, `jsonl()` and `parquet()` give. */
export type FormatDefinition =
  | {
      readonly format: 'csv'
      /** One character; `,` by default, a tab for TSV. */
      readonly delimiter: string
      readonly quote: string
      readonly header: boolean
      readonly compression: 'none' | 'gzip' | 'auto'
      /** Largest record in bytes before it is a dead letter (`too_large`); default 16 MiB. */
      readonly maxRecordBytes: number
    }
  | { readonly format: 'jsonl'; readonly compression: 'none' | 'gzip' | 'auto'; readonly maxRecordBytes: number }
  | { readonly format: 'parquet' }
  /** Whole files under names of their own; no rows. */
  | { readonly format: 'files' }
  /** Rows of a table. */
  | { readonly format: 'table' }

/** How a reader picks windows of a dataset, seen from the run's window. */
export type WindowSelector =
  /** Every window of the dataset inside the run's window; the run's own where the kinds are the same. */
  | { readonly select: 'inside' }
  | { readonly select: 'previous'; readonly count: number }
  /** The run's window, or the last inside it, and those before it: `count` in all. */
  | { readonly select: 'last'; readonly count: number }
  | { readonly select: 'at'; readonly at: (window: WindowValue) => readonly string[] }
  /** The dataset has no window. */
  | { readonly select: 'whole' }

/** A check as verification uses it: what `check.unique(...)` and the others give. */
export type CheckDefinition = {
  /** Unique in its dataset: `unique(invoice)`, or as the user named it. */
  readonly name: string
  /** `block`: the run fails and nothing is published. `warn`: it is recorded. */
  readonly severity: 'block' | 'warn'
} & (
  | { readonly check: 'notNull'; readonly columns: readonly string[] }
  | { readonly check: 'unique'; readonly columns: readonly string[] }
  | { readonly check: 'range'; readonly column: string; readonly min: string | null; readonly max: string | null }
  | { readonly check: 'oneOf'; readonly column: string; readonly values: readonly string[] }
  | { readonly check: 'pattern'; readonly column: string; readonly pattern: string }
  | {
      readonly check: 'rowCount'
      readonly min: number | null
      readonly max: number | null
      readonly withinOfHistory: number | null
    }
  /** A query over the table `output`; each row it returns is a violation. */
  | { readonly check: 'sql'; readonly query: string }
)

// ---------------------------------------------------------------- policies

/** `RetryOptions` with its defaults filled in; times in milliseconds. */
export interface RetryPolicy {
  /** Attempts in all, the first included. */
  readonly attempts: number
  readonly firstMs: number
  readonly maxMs: number
  readonly multiplier: number
  /** Share of the delay that is drawn at random: 0.2 is +-20 %. */
  readonly jitter: number
  /** Codes of errors worth a retry beside those marked retryable; `*` for all. */
  readonly errors: readonly string[]
}

/** `CommitOptions` with its defaults filled in; times in milliseconds. */
export interface CommitPolicy {
  /** Records given to the sink at once. */
  readonly chunk: number
  /** A commit after this many chunks, or this long, whichever is first. */
  readonly everyChunks: number
  readonly everyMs: number
}

/** A limit on dead letters: `ratio` of records read, judged at the end; `count`, judged at once. Both null: none allowed. */
export interface Limit {
  readonly ratio: number | null
  readonly count: number | null
}

/** `PartitionOptions` with the way of cutting; `size` in bytes, or in records for `rows`. */
export interface PartitionPolicy {
  readonly by: 'auto' | 'file' | 'bytes' | 'rows' | 'keyHash'
  /** Target size of a partition: bytes for `bytes`, records for `rows`. */
  readonly size: number | null
  /** Number of partitions for `keyHash`. */
  readonly count: number | null
  readonly key: ((record: object) => string) | null
}

// ---------------------------------------------------------------- steps

/** Where a step reads from: windows of a dataset, or another step. */
export type StepInput =
  | { readonly from: 'dataset'; readonly dataset: DatasetDefinition; readonly windows: WindowSelector }
  /** `output`: the named output that is read; null for the records without a name. */
  | { readonly from: 'step'; readonly step: string; readonly output: string | null }

/** An address that takes a step's records: what `http({ ... })` gives. It writes in place, outside of publication. */
export interface HttpTarget {
  readonly kind: 'http'
  /** Among the step's services it stands under `httpService(service)`. Null: no limits, no secrets. */
  readonly service: ServiceDefinition | null
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Of one record, or of all that one request sends. */
  readonly url: string | ((records: readonly object[]) => string)
  /** What is sent, as JSON: of the records, and a key for each that is the same on every replay. */
  readonly body: (records: readonly object[], keys: readonly string[]) => unknown
  readonly headers: Readonly<Record<string, string>>
  /** Records in one request. */
  readonly batch: number
  /** Requests of one task under way at once. */
  readonly concurrency: number
  /** Header that carries the request's key; null for none. */
  readonly idempotencyKey: string | null
  /** Whether an answer means that it took place. */
  readonly success: ((answer: HttpAnswer) => boolean) | null
  readonly timeoutMs: number
  /** The longest that `Retry-After` is believed. */
  readonly retryAfterMs: number
  readonly guarantee: 'idempotent' | 'at-least-once'
}

/** What an address answered. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** As text, cut to 64 KiB. */
  readonly body: string
}

/** Where a step's records go, apart from the readers inside the run. */
export interface StepOutputDefinition {
  readonly dataset: DatasetDefinition
  /** Records in one part file; cut by count from the partition's start, so that bytes are the same on every run. */
  readonly recordsPerPart: number
}

/** A reduce step that reads this one: its records leave the step already cut into buckets by key. */
export interface ShuffleDefinition {
  readonly to: string
  /** The named output that it reads; null for the records without a name. */
  readonly output: string | null
  readonly key: (record: object) => string
  readonly buckets: number
}

/** Records that `process` gives by name: `output('refunds', record)`. */
export interface NamedOutputDefinition {
  /** The dataset they go to; null where only steps of the run read them. */
  readonly output: StepOutputDefinition | null
  /** As a step's: staged as blocks, too. */
  readonly readInside: boolean
  readonly controls: ReadonlyMap<string, (record: never) => Decimal | bigint | number>
}

interface StepBase {
  readonly name: string
  /** Names of all steps that must be ready before it: those it reads, and `after`. */
  readonly after: readonly string[]
  readonly output: StepOutputDefinition | null
  /** True where a step inside the run reads the records (not shuffled): they are staged as blocks too, unless `output` can serve. */
  readonly readInside: boolean
  readonly shuffles: readonly ShuffleDefinition[]
  /** By name; empty but for steps of kind records. */
  readonly named: ReadonlyMap<string, NamedOutputDefinition>
  readonly publish: 'together' | 'alone' | 'none'
  readonly retry: RetryPolicy
  /** Of one attempt. */
  readonly timeoutMs: number | null
  readonly isolation: 'thread' | 'process' | 'inline'
  /** Most that all of its process may take, bytes; null for the slot's own. Only with isolation `process`. */
  readonly processMemory: number | null
  readonly services: ReadonlyMap<string, ServiceDefinition>
  /** The pool that its tasks take places of; absent for none. */
  readonly pool?: string
  /** When a slow partition gets a second attempt beside the first; absent for never. */
  readonly speculation?: Speculation
  /** Datasets held in memory, by the names that user functions know them by. */
  readonly lookups: ReadonlyMap<string, LookupDefinition>
  /** Datasets of files that user functions write, by the names that they know them by. */
  readonly files: ReadonlyMap<string, FileOutputDefinition>
}

/** What `process` and the other user functions are given beside the record. */
export interface ProcessContext {
  readonly window: WindowValue | null
  readonly parameters: Readonly<Record<string, JsonValue>>
  /** The run's own idea of now, ISO 8601. */
  readonly logicalTime: string
  /** The record's place: for messages. */
  readonly position: RecordPosition
  readonly use: Readonly<Record<string, unknown>>
  /** File outputs of the step, where `.files()` declared some. */
  readonly files: Readonly<Record<string, FileWriter>>
  /** Keyed state of the step, where `.state()` declared one. */
  readonly state: KeyedState
  readonly signal: AbortSignal
  /** Makes an effect outside at most once for a key. */
  readonly once: Once
  log(level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: Readonly<Record<string, JsonValue>>): void
}

/**
 * State of a step by key, for `process`. It is saved with each checkpoint, so that a resumed attempt goes on with it.
 */
export interface KeyedState {
  get(key: string): JsonValue | undefined
  set(key: string, value: JsonValue): void
}

/** Where a record stands in its source. */
export interface RecordPosition {
  /** File, or upstream step and part. */
  readonly source: string
  /** The dataset's own window, where it has one: a file date. */
  readonly windowKey: string | null
  /** From 1, within the source; headers and blank lines not counted. */
  readonly record: number
  /** Byte where the record starts; null in compressed or in-run sources. */
  readonly offset: number | null
}

/** A `steps.records` as the engine sees it. */
export interface RecordsStep extends StepBase {
  readonly kind: 'records'
  readonly input: StepInput
  /** In the order of the chain. */
  readonly operations: readonly RecordOperation[]
  readonly partition: PartitionPolicy
  readonly commit: CommitPolicy
  /** By rule name; `*` for the others. A rule without a limit here may reject any number. */
  readonly rejects: ReadonlyMap<string, Limit>
  /** For unexpected dead letters: causes `contract` and `error`. */
  readonly skip: Limit
  readonly controls: ReadonlyMap<string, (record: never) => Decimal | bigint | number>
  readonly stateVersion: number
  /** `never`: a running partition is not cut, so that parts are the same files in every run. Absent: it is, where slots are idle. */
  readonly rebalance?: 'never'
  /** The address that its records are sent to, in place of a dataset; null where there is none. */
  readonly target: HttpTarget | null
}

/** One operation between reading and writing, in the order of the chain. */
export type RecordOperation =
  /** Returns a record, an array of records, `reject(...)`, `drop()`, or a promise of one of these. */
  | {
      readonly operation: 'process'
      readonly process: (record: never, context: ProcessContext) => unknown
      readonly concurrency: number
    }
  | {
      readonly operation: 'distinct'
      readonly within: 'file' | 'partition'
      /** Rule that later equals are rejected by; null: they are dropped. */
      readonly reject: string | null
      /** The key to compare; null: every field of the source record. */
      readonly by: ((record: never, source: never) => unknown) | null
    }

/** A `steps.reduce` as the engine sees it. */
export interface ReduceStep extends StepBase {
  readonly kind: 'reduce'
  /** Always a step: a dataset is read through an implicit `<name>.map` step. */
  readonly input: { readonly from: 'step'; readonly step: string; readonly output: string | null }
  readonly key: (record: object) => string
  readonly buckets: number
  readonly fold: FoldDefinition
  /** Bytes of folded state in memory before it is spilled to disk, sorted by key. */
  readonly memoryBytes: number
  readonly controls: ReadonlyMap<string, (record: never) => Decimal | bigint | number>
}

/** A fold as the step uses it; its types are checked where it is declared. */
export interface FoldDefinition {
  readonly initial: (key: string) => unknown
  /** Called with the records of one key in order: upstream partition, then position. May change and return `state`. */
  readonly add: (state: never, record: never) => unknown
  /** The output of one key: one record, several, or none. */
  readonly finish: (state: never, key: string, context: ProcessContext) => unknown
}

/** A `steps.sql` as the engine sees it. */
export interface SqlStep extends StepBase {
  readonly kind: 'sql'
  /** Table name in the query, and what it shows. */
  readonly tables: ReadonlyMap<string, StepInput>
  readonly query: string
  readonly memoryBytes: number
  /** False where the query states no order: its bytes may differ between runs. */
  readonly deterministic: boolean
}

/** A `steps.function` as the engine sees it. */
export interface FunctionStep extends StepBase {
  readonly kind: 'function'
  readonly run: (context: FunctionContext) => unknown
  /** Null: one task. Else one task for each item. */
  readonly each: EachDefinition | null
  readonly stateVersion: number
}

/** Where the items of a fan-out come from. Those of a function are made at planning, and kept with the run's plan. */
export type EachDefinition =
  | { readonly from: 'count'; readonly count: number }
  | { readonly from: 'list'; readonly items: readonly JsonValue[] }
  | { readonly from: 'function'; readonly items: (context: ItemsContext) => unknown }

/** What a function that gives the items of a fan-out is given, at planning. */
export interface ItemsContext extends Pick<
  ProcessContext,
  'window' | 'parameters' | 'logicalTime' | 'use' | 'signal' | 'log'
> {
  /** What the function steps returned that this one comes after, by step; without those that have items themselves. */
  readonly results: Readonly<Record<string, JsonValue>>
}

/** What a function step is given, before the job has said of which types window, parameters and clients are. */
export interface FunctionContext extends Omit<ProcessContext, 'position' | 'state'> {
  /** The item of the task, and its place among them, from 0; null and 0 in a step without `each`. */
  readonly item: JsonValue
  readonly index: number
  /** What the last `save` of this task kept; null at the first attempt. */
  readonly progress: JsonValue
  /** Makes progress durable. Resolves when it is. */
  save(progress: JsonValue, fraction?: number): Promise<void>
}

/** A step as the engine sees it, by kind. */
export type StepDefinition = RecordsStep | ReduceStep | SqlStep | FunctionStep

// ---------------------------------------------------------------- lookups

/** A dataset that a step reads whole into memory, to look rows up. */
export interface LookupDefinition {
  readonly dataset: DatasetDefinition
  readonly windows: WindowSelector
  /** Fields that a row is found by. */
  readonly by: readonly string[]
  readonly duplicates: 'fail' | 'first' | 'last' | 'list'
  /** Bytes of its files, uncompressed. */
  readonly limitBytes: number
  readonly limitRows: number
}

/** What user functions are given of a lookup. Rows are frozen: all records of a slot share them. */
export interface LookupTable<Row = object, Key extends readonly unknown[] = readonly unknown[], Found = unknown> {
  /** The row of a key; decimals are compared by value. */
  get(...key: Key): Found
  has(...key: Key): boolean
  /** Number of different keys. */
  readonly size: number
  /** All rows, in the order of the dataset. */
  rows(): Iterable<Row>
}

// ---------------------------------------------------------------- files

/** A dataset of files that a step writes. */
export interface FileOutputDefinition {
  readonly dataset: DatasetDefinition
}

/** Writes files of one dataset. */
export interface FileWriter {
  /**
   * Writes a whole file: bytes, text (UTF-8), or pieces of either as they come. `name` is relative, with `/` between folders.
   * Resolves when it is on disk. It is published with the run, if the record it belongs to is written; a name may be given
   * once in a run. Throws FILE_NAME_INVALID, FILE_NAME_TWICE, DISK_FULL.
   */
  write(
    name: string,
    content: Uint8Array | string | AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>,
  ): Promise<{ readonly name: string; readonly bytes: number; readonly sha256: string }>
}

// ---------------------------------------------------------------- services

/** A service as a slot uses it. */
export interface ServiceDefinition<Client = unknown> {
  readonly name: string
  /** Names of secrets: `NAME` in the environment, or the content of the file that `NAME_FILE` names. */
  readonly secrets: readonly string[]
  /** How long `open` may take, milliseconds. */
  readonly openWithinMs: number
  /** How long `close` may take, milliseconds. */
  readonly closeWithinMs: number
  /** Limits, breaker and probe, kept by the whole fleet together. */
  readonly rules: ServiceRules
  /** Whether what a call threw speaks against the service; null: whatever it was. */
  readonly countsAgainst: ((thrown: unknown) => boolean) | null
  open(context: {
    readonly secrets: Readonly<Record<string, string>>
    readonly signal: AbortSignal
    readonly call: ServiceCall
  }): Client | Promise<Client>
  close: ((client: Client) => void | Promise<void>) | null
  /** Asks whether the service does well: gives a reading, or throws. Null where it is not probed. */
  probe: ((client: Client) => unknown) | null
}

/**
 * Makes one call of a service: when its rate and its concurrency allow it, and not while its breaker is open. `signal` is
 * aborted when the attempt is stopped. Resolves and rejects as `request` does.
 */
export type ServiceCall = <Value>(request: (signal: AbortSignal) => Value | PromiseLike<Value>) => Promise<Value>

// ---------------------------------------------------------------- effects

/** How an effect is remembered, and what becomes of one in doubt. */
export interface OnceOptions {
  /**
   * What happens where an attempt died between the effect's beginning and its end, so that nobody knows whether it took
   * place. `skip`: it counts as done, with no outcome. `repeat`: it is made again. `ask`: the task waits until somebody says
   * (`batchwright effects list`).
   */
  readonly inDoubt: InDoubt
  /** Where the key is the only one of its name: default `job`, in all its runs. */
  readonly within?: 'job' | 'run' | 'project'
  /**
   * Whether an effect that threw may have taken place all the same. Default: errors of a connection that broke or took too
   * long leave it in doubt; after any other it did not take place, and is made again by the next attempt.
   */
  readonly mayHaveHappened?: (thrown: unknown) => boolean
}

/**
 * Makes an effect outside at most once for a key, with what it gave (JSON): from the second time on, in later attempts and
 * later runs too, nothing happens and the first outcome comes back; null where it was skipped.
 */
export type Once = <Outcome>(
  key: string,
  effect: () => Outcome | PromiseLike<Outcome>,
  options: OnceOptions,
) => Promise<Outcome | null>

// ---------------------------------------------------------------- what process may return

// Brands that survive two copies of the library in one process.
/** On everything that `reject`, `drop` and `output` give: one look tells that a result is an ordinary record. */
export const OUTCOME = Symbol.for('batchwright.outcome')
/** Marks what `reject()` gives. */
export const REJECT = Symbol.for('batchwright.reject')
/** Marks what `drop()` gives. */
export const DROP = Symbol.for('batchwright.drop')
/** Marks what `output()` gives. */
export const OUTPUT = Symbol.for('batchwright.output')

/** What `reject(rule)` gives: the record becomes a dead letter of that rule. */
export interface Rejected<Rule extends string = string> {
  readonly [OUTCOME]: true
  readonly [REJECT]: Rule
  readonly detail: string | null
}

/** What `drop()` gives: the record is not wanted. */
export interface Dropped {
  readonly [OUTCOME]: true
  readonly [DROP]: true
}

/** A record for one of the step's named outputs. It passes no further operation of the step. */
export interface Named<Output extends string = string, Row = object> {
  readonly [OUTCOME]: true
  readonly [OUTPUT]: Output
  readonly record: Row
}
