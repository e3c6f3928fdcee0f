/**
 * batchwright: what job files are written with. Definitions only: the engine, the stores and the command line are reached
 * through the `batchwright` command.
 */
export { Decimal, type DecimalLike, type RoundingMode } from './kernel/decimal.ts'
export { BatchwrightError, type ErrorParts, type ErrorReport, type JsonValue } from './kernel/errors.ts'
export type { Duration, Rate, Ratio, Size } from './kernel/units.ts'
export type { WindowValue } from './protocol/index.ts'
export {
  check,
  contract,
  csv,
  daily,
  dataset,
  drop,
  every,
  Fault,
  field,
  files,
  hourly,
  job,
  jsonl,
  lookup,
  monthly,
  output,
  parameters,
  parquet,
  postgres,
  record,
  reject,
  service,
  sqlite,
  tsv,
  weekly,
} from './job/index.ts'
export type {
  Check,
  CheckOptions,
  CommitOptions,
  Contract,
  ContractOptions,
  CsvOptions,
  Dataset,
  DatasetInput,
  Dropped,
  Field,
  FileDataset,
  FileDatasetOptions,
  FilesContext,
  FileWriter,
  FilesOptions,
  Fold,
  FunctionStepContext,
  ItemsStepContext,
  ItemStepContext,
  JobDefinition,
  JobOptions,
  JobTypes,
  KeyedState,
  LimitOption,
  Lookup,
  LookupOptions,
  LookupTable,
  Named,
  OutputHandle,
  Parameters,
  ParameterValues,
  PartitionOptions,
  PostgresTableOptions,
  PublishedOptions,
  RecordOf,
  RecordPosition,
  RecordType,
  Rejected,
  RetryOptions,
  Service,
  ServiceOptions,
  Shape,
  SqliteTableOptions,
  StepContext,
  StepHandle,
  Steps,
  TableOptions,
  TableReadOptions,
  TextFormatOptions,
  Window,
  WindowOptions,
  WriteOptions,
  WrittenStep,
} from './job/index.ts'

// Types that the ones above are made of: written down seldom, and named by the compiler in declarations of users' own code.
/** A job as plain data: what `job()` makes, and what a tool that looks at jobs reads. */
export type * from './job/model.ts'
/** The stages of a step's chain: what `steps.records(...)` and each method after it return. */
export type * from './job/step-types.ts'
export type { CommonDatasetOptions, CompiledField, RecordOfShape, TypesOf } from './job/index.ts'
