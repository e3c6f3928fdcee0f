/**
 * job/: definitions. What a job file is written with (fields, records, contracts, datasets, windows, steps), and the plain
 * model it becomes. Pure: no I/O, no clock, no chance, and nothing of the rooms above. Everything that can be refused is
 * refused here, at definition, with a message that names the place and the remedy.
 */
export type * from './model.ts'
export { DROP, Fault, OUTCOME, OUTPUT, REJECT } from './model.ts'
export { check, type Check, type CheckOptions } from './checks.ts'
export { contract, type Contract, type ContractOptions } from './contracts.ts'
export {
  dataset,
  type CommonDatasetOptions,
  type Dataset,
  type DatasetInput,
  type FileDataset,
  type FileDatasetOptions,
  type FilesContext,
  type FilesOptions,
  type PublishedOptions,
  type TableOptions,
} from './dataset.ts'
export { asItem } from './each.ts'
export { field, type CompiledField, type Field } from './field.ts'
export { FILE_LIST } from './file-list.ts'
export { fingerprintDifferences, planFingerprint, planParts, type FingerprintPart } from './fingerprint.ts'
export { csv, files, jsonl, parquet, tsv, type CsvOptions, type TextFormatOptions } from './formats.ts'
export { isJob, job, type JobOptions, type TypesOf } from './job.ts'
export { http, httpService, type HttpBatchOptions, type HttpClient, type HttpOptions, type HttpSink } from './http.ts'
export {
  lookup,
  type Lookup,
  type LookupDuplicates,
  type LookupKey,
  type LookupOptions,
  type TableOf,
} from './lookup.ts'
export { didYouMean, nearest } from './names.ts'
export { drop, isDropped, isRejected, output, reject } from './outcome.ts'
export {
  controlName,
  controlsOfOutput,
  countOfDataset,
  datasetKey,
  datasetOfOutput,
  datasetsWritten,
  filesKey,
  insideKey,
  isDatasetKey,
  recordsOfOutput,
  shuffleKey,
  tableWritten,
  type WrittenDataset,
  type WrittenTable,
} from './outputs.ts'
export { parameters, type Parameters, type ParameterValues } from './parameters.ts'
export type { SpeculateOptions, Speculation } from './stragglers.ts'
export type { CommitOptions, LimitOption, PartitionOptions, RetryBudgetOptions, RetryOptions } from './policies.ts'
export { record, type RecordOf, type RecordOfShape, type RecordType, type Shape } from './record.ts'
export { service, type Service, type ServiceOptions } from './service.ts'
export { noRules } from './service-rules.ts'
export type { BreakerOptions, ProbeOptions, ServiceLimits, ServiceReading } from './service-rules.ts'
export type {
  ColumnProblem,
  Fits,
  Fold,
  FunctionStepContext,
  ItemsStepContext,
  ItemStepContext,
  JobTypes,
  NamedOf,
  OutputHandle,
  OutputOf,
  Readable,
  RulesOf,
  StepContext,
  StepHandle,
  StepRef,
  Steps,
  WriteOptions,
  WrittenStep,
} from './step-types.ts'
export {
  postgres,
  sqlite,
  type PostgresTableOptions,
  type SqliteTableOptions,
  type TableReadOptions,
} from './tables.ts'
export {
  daily,
  every,
  hourly,
  monthly,
  weekly,
  windowDate,
  windowLocal,
  type Window,
  type WindowOptions,
} from './window.ts'
