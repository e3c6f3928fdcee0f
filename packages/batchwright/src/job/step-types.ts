/**
 * The chains as the type checker sees them. Each stage offers what may come next, so a wrong order does not compile, and
 * records keep their type from the contract through `process` to the sink.
 */
import type { Decimal } from '../kernel/decimal.ts'
import type { Duration, Size } from '../kernel/units.ts'
import type { WindowValue } from '../protocol/index.ts'
import type { Dataset, DatasetInput, FileDataset } from './dataset.ts'
import type { HttpSink } from './http.ts'
import type {
  Dropped,
  FileWriter,
  FunctionContext,
  ItemsContext,
  KeyedState,
  Named,
  PartitionPolicy,
  ProcessContext,
  Rejected,
} from './model.ts'
import type { Lookup } from './lookup.ts'
import type { SpeculateOptions } from './stragglers.ts'
import type { CommitOptions, LimitOption, PartitionOptions, RetryOptions } from './policies.ts'
import type { Service } from './service.ts'

declare const ROW: unique symbol
declare const WRITTEN: unique symbol
declare const PROBLEM: unique symbol

/** What a job's options say about its steps' context. */
export interface JobTypes {
  readonly window: WindowValue | null
  readonly parameters: object
}

/** What `process` and the other functions are given beside the record. */
export interface StepContext<Job extends JobTypes, Clients> extends Omit<
  ProcessContext,
  'window' | 'parameters' | 'use' | 'state' | 'files'
> {
  readonly window: Job['window']
  readonly parameters: Job['parameters']
  /** The clients of the services that `.use({ ... })` named. */
  readonly use: Clients
}

/** No property of it can be named. */
export type NoClients = object
/** Services, by the names under which a step uses them. */
export type Services = Readonly<Record<string, Service<unknown>>>
/** The clients of services, by the names under which a step uses them. */
export type ClientsOf<Used> = {
  readonly [Name in keyof Used]: Used[Name] extends Service<infer Client> ? Client : never
}

/** Adds nothing to what it meets in an intersection: any other name for nothing would. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- see above
type Nothing = {}
export type Lookups = Readonly<Record<string, Lookup<unknown>>>
export type TablesOf<Used> = {
  readonly [Name in keyof Used]: Used[Name] extends Lookup<infer Table> ? Table : never
}

export type FileDatasets = Readonly<Record<string, FileDataset>>
/** `files.thumbs.write(name, content)`, for each dataset of files that the step declares. */
export type WritersOf<Used> = { readonly [Name in keyof Used]: FileWriter }

// ---------------------------------------------------------------- what functions return

/** The records in what a function returns: without rejects, drops and those for named outputs, out of lists and promises. */
export type OutputOf<Returned> =
  Returned extends PromiseLike<infer Value>
    ? OutputOf<Value>
    : Returned extends Rejected | Dropped | Named
      ? never
      : Returned extends readonly (infer Item)[]
        ? OutputOf<Item>
        : Returned

/** The rules that a function rejects by. */
export type RulesOf<Returned> =
  Returned extends PromiseLike<infer Value> ? RulesOf<Value> : Returned extends Rejected<infer Rule> ? Rule : never

/** The records for named outputs in what a function returns. */
export type NamedOf<Returned> =
  Returned extends PromiseLike<infer Value>
    ? NamedOf<Value>
    : Returned extends Named
      ? Returned
      : Returned extends readonly (infer Item)[]
        ? NamedOf<Item>
        : never

type NameOf<Outputs> = Outputs extends Named<infer Name> ? Name : never
type RowOf<Outputs, Name> = Outputs extends Named<infer Own, infer Row> ? (Own extends Name ? Row : never) : never

// ---------------------------------------------------------------- records against contracts

/** Shown by the type checker where records do not fit a dataset: its one member is the sentence. */
export interface ColumnProblem<Message extends string> {
  readonly [PROBLEM]: Message
}

type IsAny<Type> = 0 extends 1 & Type ? true : false

type Problem<Out, Row> = Out extends object
  ? | `column "${Exclude<keyof Row, keyof Out> & string}" is missing from the records of this step`
    | `column "${Exclude<keyof Out, keyof Row> & string}" is not in the contract of the dataset`
    | {
        [Name in keyof Out & keyof Row & string]: Out[Name] extends Row[Name]
          ? never
          : `column "${Name}" has another type than the contract says`
      }[keyof Out & keyof Row & string]
  : 'the step gives something that is no record: return drop() to leave a record out'

/** `unknown` where records `Out` have exactly the columns of `Row`; else a ColumnProblem that names the column. */
export type Fits<Out, Row> =
  IsAny<Out> extends true ? unknown : [Problem<Out, Row>] extends [never] ? unknown : ColumnProblem<Problem<Out, Row>>

// ---------------------------------------------------------------- handles

/** A step, for `.after()`. */
export interface StepRef {
  readonly name: string
}

/** A step whose records other steps can read. */
export interface StepHandle<Row> extends StepRef {
  /** For the type checker only. */
  readonly [ROW]: Row
}

/** One named output of a step, for other steps to read. */
export interface OutputHandle<Row> {
  readonly step: string
  readonly output: string
  /** For the type checker only. */
  readonly [ROW]: Row
}

/** A named output that goes to a dataset: SQL can read it too. */
export interface WrittenOutput<Row> extends OutputHandle<Row> {
  readonly [WRITTEN]: true
}

/** A records step with named outputs. */
export interface NamedOutputs<Outputs extends Named, Written extends string> {
  /** The records that `process` gave to one output: `output('refunds', record)`. For `.read()` of another step. */
  output<Name extends NameOf<Outputs>>(
    name: Name,
  ): Name extends Written ? WrittenOutput<RowOf<Outputs, Name>> : OutputHandle<RowOf<Outputs, Name>>
}

/** A step that writes a dataset: SQL can read it too. */
export interface WrittenStep<Row> extends StepHandle<Row> {
  readonly [WRITTEN]: true
}

/** What a step can read. */
export type Readable<Row> = Dataset<Row> | DatasetInput<Row> | StepHandle<Row> | OutputHandle<Row>

/** How the written records are laid out in part files. */
export interface WriteOptions {
  /** Records in one part file; default 1,000,000. */
  readonly recordsPerPart?: number
}

/** Limits of a step's own process. */
export interface ProcessOptions {
  /** Most that all of it may take: heap, buffers, native memory, and what it has started; from 128MB. Default 1GiB. */
  readonly memory?: Size
}

interface CommonPolicies<Next> {
  /** Attempts of a task that fails. Default: 3, after 1 s and 2 s. */
  retry(options: RetryOptions): Next
  /** Of one attempt. Default: none. */
  timeout(duration: Duration): Next
  /**
   * `thread` (default): in a worker thread. `process`: in a process of its own, which takes a crash of native code, all its
   * memory and all that it has started with it when it dies. `inline`: in the worker's own thread.
   */
  isolation(isolation: 'thread' | 'inline'): Next
  isolation(isolation: 'process', options?: ProcessOptions): Next
  /**
   * Its tasks take places of a pool, over the whole fleet: as many at once as the pool has. What it has is set with
   * `batchwright pools` or in the configuration; a pool that nobody has set has no limit.
   */
  pool(name: string): Next
  /** Waits for steps that it reads nothing from. */
  after(...steps: readonly (StepRef | string)[]): Next
}

interface OutputPolicies<Next> extends CommonPolicies<Next> {
  /** `together` (default): with the run's other datasets, after all checks. `alone`: as soon as its own have passed. */
  publish(mode: 'together' | 'alone'): Next
  /**
   * A partition that takes far longer than its siblings gets a second attempt beside the first; the first to finish wins.
   * Only for steps whose output is staged: their functions may run twice at once for the same record.
   */
  speculate(options?: SpeculateOptions): Next
}

/** Exact sums, by name, that verification compares. Numbers must be safe integers. */
export type Controls<Row> = Readonly<Record<string, (record: Row) => Decimal | bigint | number>>

// ---------------------------------------------------------------- records

/** A records step that has only a name yet: next it says what it reads. */
export interface RecordsStart<Job extends JobTypes> {
  /** What the step reads: a dataset, chosen windows of one, or another step of the job. */
  read<Row>(input: Readable<Row>): RecordsRead<Job, Row, Row, never, StepContext<Job, NoClients>>
}

/** What `distinct` compares, where, and what becomes of later equals. */
export interface DistinctOptions<Current, Source, Rule extends string> {
  /** Where later equals are looked for. */
  readonly within: 'file' | 'partition'
  /** The rule that they are rejected by; without it they are dropped. */
  readonly reject?: Rule
  /** What must be equal; default: every field of the record as it was read. */
  readonly by?: (record: Current, source: Source) => unknown
}

/** Source: the record as read. Current: as it is at this point of the chain. */
export interface RecordsRead<
  Job extends JobTypes,
  Source,
  Current,
  Rules extends string,
  Context,
> extends RecordsProcessed<Job, Source, Current, Rules, Context> {
  /** Services for `process`: `context.use.smtp`. Stands before `process`. */
  use<Used extends Services>(
    services: Used,
  ): RecordsRead<Job, Source, Current, Rules, Context & { readonly use: ClientsOf<Used> }>
  /** Datasets held in memory, to look rows up: `context.use.customers.get(id)`. Stands before `process`. */
  lookup<Used extends Lookups>(
    lookups: Used,
  ): RecordsRead<Job, Source, Current, Rules, Context & { readonly use: TablesOf<Used> }>
  /** Datasets of whole files for `process`: `context.files.thumbs.write(name, content)`. Stands before `process`. */
  files<Used extends FileDatasets>(
    datasets: Used,
  ): RecordsRead<Job, Source, Current, Rules, Context & { readonly files: WritersOf<Used> }>
  /** Keyed state for `process`, saved with each checkpoint: `context.state`. Raise the version when its meaning changes. */
  state(options?: {
    readonly version?: number
  }): RecordsRead<Job, Source, Current, Rules, Context & { readonly state: KeyedState }>
  distinct<const Rule extends string = never>(
    options: DistinctOptions<Current, Source, Rule>,
  ): RecordsRead<Job, Source, Current, Rules | Rule, Context>
}

export interface RecordsProcessed<
  Job extends JobTypes,
  Source,
  Current,
  Rules extends string,
  Context,
  Outputs extends Named = never,
> extends RecordsPolicies<Source, Current, Rules, Outputs> {
  /**
   * Makes of a record another, several (a list), `output(name, record)`, `reject(rule)`, `drop()`, or a promise of one of
   * these. Functions that return no promise run without one. `concurrency`: promises under way at a time; order is kept; default 1.
   */
  process<const Returned>(
    process: (record: Current, context: Context) => Returned,
    options?: { readonly concurrency?: number },
  ): RecordsProcessed<Job, Source, OutputOf<Returned>, Rules | RulesOf<Returned>, Context, Outputs | NamedOf<Returned>>
  /** Leaves out later equals. Before `process` it compares what was read, after it what was made. */
  distinct<const Rule extends string = never>(
    options: DistinctOptions<Current, Source, Rule>,
  ): RecordsProcessed<Job, Source, Current, Rules | Rule, Context, Outputs>
}

/** What steps write: a folder of published versions, or a table. */
export type WritableDataset<Row> = Dataset<Row, 'published' | 'table'>

/** What `.outputs()` takes: a dataset for each name, whose contract fits the records that `process` gives by that name. */
export type OutputDatasets<Outputs extends Named, Rows> = {
  readonly [Name in keyof Rows]: [Name] extends [NameOf<Outputs>]
    ? WritableDataset<Rows[Name]> & Fits<RowOf<Outputs, Name>, Rows[Name]>
    : ColumnProblem<`process gives no record to an output "${Name & string}"`>
}

export interface RecordsPolicies<
  Source,
  Current,
  Rules extends string,
  Outputs extends Named = never,
  Written extends string = never,
>
  extends
    OutputPolicies<RecordsPolicies<Source, Current, Rules, Outputs, Written>>,
    StepHandle<Current>,
    NamedOutputs<Outputs, Written> {
  /** Limits on rejected records by rule; `*` for the rules not named. A rule without a limit may reject any number. */
  rejects(
    limits: Readonly<Partial<Record<Rules | '*', LimitOption>>>,
  ): RecordsPolicies<Source, Current, Rules, Outputs, Written>
  /** Limit on unexpected dead letters: records that break the contract, or make `process` throw. Default: none allowed. */
  skip(limit: LimitOption): RecordsPolicies<Source, Current, Rules, Outputs, Written>
  commit(options: CommitOptions): RecordsPolicies<Source, Current, Rules, Outputs, Written>
  /** How the input is cut. Default `auto`: by bytes where the format allows it, else by file. */
  partition(
    by: PartitionPolicy['by'],
    options?: PartitionOptions<Source>,
  ): RecordsPolicies<Source, Current, Rules, Outputs, Written>
  /**
   * Whether the rest of a running partition may be given to idle slots. Records, their order and all counts are the same
   * either way; only where files of the output begin and end may differ. Default `auto`: when slots are idle.
   */
  rebalance(mode: 'auto' | 'never'): RecordsPolicies<Source, Current, Rules, Outputs, Written>
  control(controls: Controls<Current>): RecordsPolicies<Source, Current, Rules, Outputs, Written>
  /** Control totals of a named output. */
  control<Name extends NameOf<Outputs>>(
    output: Name,
    controls: Controls<RowOf<Outputs, Name>>,
  ): RecordsPolicies<Source, Current, Rules, Outputs, Written>
  /** Datasets for the records that `process` gives by name. They are published together with the step's own. */
  outputs<Rows extends Readonly<Record<string, object>>>(
    datasets: OutputDatasets<Outputs, Rows>,
    options?: WriteOptions,
  ): RecordsPolicies<Source, Current, Rules, Outputs, Written | (keyof Rows & string)>
  /** Where the records go. The last of the chain: they must have exactly the columns of the dataset's contract. */
  write<Row extends object>(
    dataset: WritableDataset<Row> & Fits<Current, Row>,
    options?: WriteOptions,
  ): WrittenStep<Current> & NamedOutputs<Outputs, Written>
  /** An address that they are sent to. */
  write(address: HttpSink<Current>): StepHandle<Current> & NamedOutputs<Outputs, Written>
}

// ---------------------------------------------------------------- reduce

/** How the records of one key become one record, several, or none. */
export interface Fold<Row, State, Returned, Context = StepContext<JobTypes, NoClients>> {
  readonly initial: (key: string) => State
  /** Called with the key's records in order; may change the state, and returns it. */
  readonly add: (state: State, record: Row) => State
  readonly finish: (state: State, key: string, context: Context) => Returned
}

/** A reduce step that has only a name yet: next it says what it reads. */
export interface ReduceStart<Job extends JobTypes> {
  read<Row>(input: Readable<Row>): ReduceRead<Job, Row>
}

/** A reduce step that knows its input: next it says by what key records are brought together. */
export interface ReduceRead<Job extends JobTypes, Row> {
  /** The key that records are brought together by. */
  by(key: (record: Row) => string): ReduceKeyed<Row, StepContext<Job, NoClients>>
}

/** A reduce step that knows its key: next it says how the records of a key are folded. */
export interface ReduceKeyed<Row, Context> {
  /** Services for `finish`. */
  use<Used extends Services>(services: Used): ReduceKeyed<Row, Context & { readonly use: ClientsOf<Used> }>
  /** Datasets held in memory, to look rows up in `finish`. */
  lookup<Used extends Lookups>(lookups: Used): ReduceKeyed<Row, Context & { readonly use: TablesOf<Used> }>
  fold<State, const Returned>(fold: Fold<Row, State, Returned, Context>): ReduceFolded<OutputOf<Returned>>
}

export interface ReduceFolded<Out> extends OutputPolicies<ReduceFolded<Out>>, StepHandle<Out> {
  /** Folded state kept in memory before it is spilled to disk; default 64MB, well within a slot's heap. */
  memory(size: Size): ReduceFolded<Out>
  /** Into how many tasks keys are spread; default 4. Part of the output's bytes, so never taken from the machine. */
  buckets(count: number): ReduceFolded<Out>
  control(controls: Controls<Out>): ReduceFolded<Out>
  write<Row extends object>(dataset: WritableDataset<Row> & Fits<Out, Row>, options?: WriteOptions): WrittenStep<Out>
}

// ---------------------------------------------------------------- sql

/** What SQL can read: a dataset, chosen windows of one, or a step that writes a dataset. */
export type SqlReadable = Dataset<unknown> | DatasetInput<unknown> | WrittenStep<unknown> | WrittenOutput<unknown>

/** An SQL step that has only a name yet: next it says which tables it reads. */
export interface SqlStart {
  /** Table names of the query, and what they show. */
  read(tables: Readonly<Record<string, SqlReadable>>): SqlRead
}

/** An SQL step that knows its tables: next it says its query. */
export interface SqlRead {
  /** One SELECT in DuckDB's SQL. Without `order by` its bytes may differ between runs. */
  query(query: string): SqlQueried
}

export interface SqlQueried extends OutputPolicies<SqlQueried>, StepRef {
  /** Memory before the query spills to disk; default 256MB. */
  memory(size: Size): SqlQueried
  write<Row extends object>(dataset: Dataset<Row, 'published'>, options?: WriteOptions): WrittenStep<Row>
}

// ---------------------------------------------------------------- function

/** Services of a function step, and the version of the progress that it saves. */
export interface FunctionOptions<Used extends Services, Looked extends Lookups, Filed extends FileDatasets> {
  readonly use?: Used
  /** Datasets held in memory, to look rows up: `context.use.customers.get(id)`. */
  readonly lookup?: Looked
  /** Datasets of whole files: `context.files.archive.write(name, content)`. Those written before a `save` last with it. */
  readonly files?: Filed
  /** Raise it when the meaning of saved progress changes; default 1. */
  readonly stateVersion?: number
}

/** What the function of a function step is given: window, parameters, services, log, and its saved progress. */
export interface FunctionStepContext<Job extends JobTypes, Clients, Writers = unknown> extends Omit<
  FunctionContext,
  'window' | 'parameters' | 'use' | 'files' | 'item' | 'index'
> {
  readonly window: Job['window']
  readonly parameters: Job['parameters']
  readonly use: Clients
  /** File outputs that the step's options name. */
  readonly files: Writers
}

/** The same of a step with items: beside the rest the item of the task, and its place among them, from 0. */
export interface ItemStepContext<Job extends JobTypes, Clients, Writers, Item> extends FunctionStepContext<
  Job,
  Clients,
  Writers
> {
  readonly item: Item
  readonly index: number
}

/** What a function that gives a step's items is given, at planning. */
export interface ItemsStepContext<Job extends JobTypes, Clients> extends Omit<
  ItemsContext,
  'window' | 'parameters' | 'use'
> {
  readonly window: Job['window']
  readonly parameters: Job['parameters']
  readonly use: Clients
}

type ItemSource = number | (Iterable<unknown> & object)

/** Items of a step: so many (0, 1, ...), a list, or a function that gives either of them, or makes them one by one. */
export type Each<Context> =
  number | readonly unknown[] | ((context: Context) => ItemSource | AsyncIterable<unknown> | PromiseLike<ItemSource>)

/** One item of what `each` was given. */
export type ItemOf<Given> = Given extends number
  ? number
  : Given extends (context: never) => infer Returned
    ? ItemOf<Awaited<Returned>>
    : Given extends AsyncIterable<infer Item> | Iterable<infer Item>
      ? Item
      : never

export interface FunctionChain extends CommonPolicies<FunctionChain>, StepRef {}

// ---------------------------------------------------------------- steps

/** What the third argument of `job` is given: the four kinds of steps. */
export interface Steps<Job extends JobTypes> {
  /** Record by record, in chunks: read, process, write. */
  records(name: string): RecordsStart<Job>
  /** Brings records together by key and folds each key's. */
  reduce(name: string): ReduceStart<Job>
  /** A query over datasets. */
  sql(name: string): SqlStart
  /** Any code, with progress of its own: `await context.save(progress)`. What it returns (JSON) is kept as its result. */
  function(name: string, run: (context: FunctionStepContext<Job, NoClients>) => unknown): FunctionChain
  /**
   * The same with `each`: one task for each item, given as `context.item`. There may be a million of them: items are made
   * one by one at planning, and short tasks travel in batches.
   */
  function<
    const Given extends Each<ItemsStepContext<Job, ClientsOf<Used>>>,
    Used extends Services = Nothing,
    Looked extends Lookups = Nothing,
    Filed extends FileDatasets = Nothing,
  >(
    name: string,
    options: FunctionOptions<Used, Looked, Filed> & { readonly each: Given },
    run: (
      context: ItemStepContext<Job, ClientsOf<Used> & TablesOf<Looked>, WritersOf<Filed>, ItemOf<Given>>,
    ) => unknown,
  ): FunctionChain
  function<Used extends Services = Nothing, Looked extends Lookups = Nothing, Filed extends FileDatasets = Nothing>(
    name: string,
    options: FunctionOptions<Used, Looked, Filed>,
    run: (context: FunctionStepContext<Job, ClientsOf<Used> & TablesOf<Looked>, WritersOf<Filed>>) => unknown,
  ): FunctionChain
}
