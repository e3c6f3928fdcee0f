import type { JsonValue } from '../kernel/errors.ts'
import type { Duration } from '../kernel/units.ts'
import type { WindowValue } from '../protocol/index.ts'
import { columnsChecked, type Check } from './checks.ts'
import type { Contract } from './contracts.ts'
import { FILE_LIST } from './file-list.ts'
import type {
  CheckDefinition,
  DatasetDefinition,
  FormatDefinition,
  RecordSchema,
  StepInput,
  TableLocation,
  TableMode,
  TablePlace,
  WindowSelector,
} from './model.ts'
import { asText, checkName, checkOptions, definitionError, didYouMean, show } from './names.ts'
import { pathsOf } from './paths.ts'
import { tableLocation, type GivenTable, type TableReadOptions } from './tables.ts'
import type { Window } from './window.ts'

declare const ROW: unique symbol

/** What a function that names the files of a dataset is given. */
export interface FilesContext {
  /** `date` is the local date that the window starts on, `YYYY-MM-DD`. Null for a dataset without a window. */
  readonly window: (WindowValue & { readonly date: string }) | null
  readonly parameters: Readonly<Record<string, JsonValue>>
  /** Absolute path of the project folder, which relative paths start from. */
  readonly project: string
}

/** Chosen windows of a dataset, ready to be read. */
export interface DatasetInput<Row> {
  readonly input: Extract<StepInput, { readonly from: 'dataset' }>
  /** For the type checker only. */
  readonly [ROW]?: Row
}

interface Locations {
  readonly files: Extract<DatasetDefinition['location'], { readonly kind: 'files' }>
  readonly published: Extract<DatasetDefinition['location'], { readonly kind: 'published' }>
  readonly table: TablePlace
}

/** A named thing that steps read or write. `Kind` is `files` (read only), `published` or `table`. */
export interface Dataset<Row, Kind extends keyof Locations = keyof Locations> extends DatasetDefinition {
  readonly location: Locations[Kind]
  readonly window: Window | null
  /** The `count` windows before the run's own. */
  previous(count: number): DatasetInput<Row>
  /** The run's window (the last inside it) and those before it, `count` in all. */
  last(count: number): DatasetInput<Row>
  /** The windows whose keys the function gives for the run's window. */
  at(choose: (window: WindowValue) => string | readonly string[]): DatasetInput<Row>
  /** The same dataset, its window in another zone where it names none of its own. For `job`. */
  inZone(timezone: string): DatasetDefinition
  /** For the type checker only. */
  readonly [ROW]?: Row
}

/** What raw files and published datasets have in common. */
export interface CommonDatasetOptions<Row> {
  /** How the dataset is cut in data time: `daily()`. Absent: it is one whole. */
  readonly window?: Window
  /** What a missing window or file means to a reader. Default `fail`. */
  readonly missing?: 'fail' | 'skip'
  readonly format: FormatDefinition
  readonly contract: Contract<Row>
  /** Fields that name a record. */
  readonly key?: readonly (keyof NoInfer<Row> & string)[]
  /** Made before the dataset is published. */
  readonly checks?: readonly Check<keyof NoInfer<Row> & string>[]
}

/** A dataset of raw files that others put there. It is only read. */
export interface FilesOptions<Row> extends CommonDatasetOptions<Row> {
  /**
   * Files that others put there: a path or glob from the project folder, several, or a function that names them.
   * `{date}` stands for the window's first day (`{date:MM-DD-YYYY}` in another form), `{window}` for its key.
   */
  readonly files: string | readonly string[] | ((context: FilesContext) => string | readonly string[])
}

/** A dataset of published versions: steps write it, others read it. */
export interface PublishedOptions<Row> extends CommonDatasetOptions<Row> {
  /** Folder of published versions, from the project folder: written by steps, read by others. */
  readonly location: string
}

/** A dataset that is a table of a database. */
export interface TableOptions<Row> extends Omit<CommonDatasetOptions<Row>, 'format' | 'missing'> {
  /** `postgres({ ... })` or `sqlite({ ... })`. */
  readonly table: TableLocation
  /**
   * How a step's rows get into it. `insert`, `upsert` (by `key`): in place, with each commit; readers see them come.
   * `replaceWindow`: all at once at publication, in place of the window's rows. Absent: the table is only read.
   */
  readonly mode?: TableMode
  /** The field that says which window a row is of: a date or a timestamp inside it, or text that is its key. */
  readonly windowBy?: keyof NoInfer<Row> & string
  readonly read?: TableReadOptions
  /** How long publication waits for a lock at a time; default 5s. */
  readonly lockTimeout?: Duration
}

const OPTIONS = ['files', 'location', 'window', 'missing', 'format', 'contract', 'key', 'checks']
const TABLE_OPTIONS = ['table', 'mode', 'windowBy', 'read', 'lockTimeout', 'window', 'contract', 'key', 'checks']

export interface FileDatasetOptions {
  readonly window?: Window
  /** Folder of published versions, from the project folder. */
  readonly location: string
  readonly format: { readonly format: 'files' }
}

/** A dataset of whole files, written by steps: `.files({ thumbs })`. It has no rows to be read. */
export interface FileDataset extends DatasetDefinition {
  readonly location: Locations['published']
  readonly format: { readonly format: 'files' }
  readonly window: Window | null
}

/** What arrives at run time, where nothing has been checked yet. */
interface GivenOptions extends GivenTable {
  readonly window?: Window
  readonly missing?: string
  readonly format?: FormatDefinition
  readonly contract?: Contract<object>
  readonly key?: readonly string[]
  readonly checks?: readonly CheckDefinition[]
  readonly files?: unknown
  readonly location?: unknown
}

/**
 * Names raw files that others put there: a dataset that is only read. Throws DATASET_INVALID where options contradict each
 * other, and names the option.
 */
export function dataset<Row extends object>(name: string, options: FilesOptions<Row>): Dataset<Row, 'files'>
/** Names a folder of published versions: a dataset that steps write, in versions that appear whole, and others read. */
export function dataset<Row extends object>(name: string, options: PublishedOptions<Row>): Dataset<Row, 'published'>
export function dataset(name: string, options: FileDatasetOptions): FileDataset
/**
 * Names a table of a database. Its sink is transactional: rows and the position they belong to are committed in one
 * transaction of that database.
 */
export function dataset<Row extends object>(name: string, options: TableOptions<Row>): Dataset<Row, 'table'>
export function dataset(name: string, options: GivenOptions): DatasetDefinition {
  checkName('dataset', name)
  const place = `dataset ${show(name)}`
  if (typeof options === 'object' && options.table !== undefined) return tableDataset(name, place, options)
  checkOptions(place, options, [...OPTIONS, 'table'])
  const ofFiles = options.format?.format === 'files'
  const declared = ofFiles ? fileContract(place, options) : contractOf(place, options.contract)
  const { schema } = declared
  const definition = {
    name,
    window: options.window ?? null,
    missing: missingOf(place, options.missing ?? 'fail'),
    format: formatOf(place, options.format),
    contract: declared,
    key: keyOf(place, options.key, schema),
    checks: checksOf(place, options.checks ?? [], schema),
    location: locationOf(place, options),
  }
  return withInputs<object>(definition)
}

function tableDataset(name: string, place: string, options: GivenOptions): Dataset<object> {
  checkOptions(place, options, TABLE_OPTIONS)
  const contract = contractOf(place, options.contract)
  const { schema } = contract
  const window = options.window ?? null
  const key = keyOf(place, options.key, schema)
  return withInputs<object>({
    name,
    window,
    missing: 'fail',
    format: { format: 'table' },
    contract,
    key,
    checks: checksOf(place, options.checks ?? [], schema),
    location: tableLocation(place, options, { schema, key, windowed: window !== null }),
  })
}

type Declared = Omit<DatasetDefinition, 'window'> & { readonly window: Window | null }

function withInputs<Row>(declared: Declared): Dataset<Row> {
  const place = `dataset ${show(declared.name)}`
  const choose = (windows: WindowSelector): DatasetInput<Row> => ({
    input: { from: 'dataset', dataset: definition, windows },
  })
  const count = (method: string, value: number): number => {
    if (declared.window === null) {
      throw definitionError(
        'DATASET_INVALID',
        `${place}.${method}()`,
        'the dataset has no window to count',
        'Give it one, for example window: daily().',
      )
    }
    if (Number.isSafeInteger(value) && value >= 1) return value
    throw definitionError(
      'DATASET_INVALID',
      `${place}.${method}()`,
      `expected a count from 1, found ${show(value)}`,
      `For example .${method}(7).`,
    )
  }
  const definition: Dataset<Row> = {
    ...declared,
    previous: (windows) => choose({ select: 'previous', count: count('previous', windows) }),
    last: (windows) => choose({ select: 'last', count: count('last', windows) }),
    at: (keys) => {
      count('at', 1)
      return choose({ select: 'at', at: asText(keys, (window: WindowValue) => [keys(window)].flat()) })
    },
    inZone: (timezone) => {
      const { window } = declared
      return window === null || window.zoned ? definition : withInputs({ ...declared, window: window.inZone(timezone) })
    },
  }
  return definition
}

function fileContract(place: string, options: GivenOptions): Contract<object> {
  const unfit = (['files', 'contract', 'key', 'checks', 'missing'] as const).find((each) => options[each] !== undefined)
  if (unfit === undefined) return FILE_LIST
  throw definitionError(
    'DATASET_INVALID',
    place,
    `it is made of whole files, and has ${unfit}`,
    unfit === 'files'
      ? "files: lists what others put there; give it location: 'out/thumbs'."
      : `Leave ${unfit} out: files have no records. Rows that name them belong in a dataset of their own.`,
  )
}

function contractOf<Row>(place: string, given: Contract<Row> | undefined): Contract<Row> {
  if (typeof given === 'object' && 'schema' in given && 'version' in given) return given
  throw definitionError(
    'DATASET_INVALID',
    `${place} contract`,
    `expected a contract, found ${show(given)}`,
    'For example contract(1, record({ invoice: field.text() })).',
  )
}

function formatOf(place: string, given: FormatDefinition | undefined): FormatDefinition {
  if (typeof given === 'object' && 'format' in given) return given
  throw definitionError(
    'DATASET_INVALID',
    `${place} format`,
    `expected a format, found ${show(given)}`,
    'One of csv(), tsv(), jsonl(), parquet(), files().',
  )
}

function missingOf(place: string, given: string): 'fail' | 'skip' {
  if (given === 'fail' || given === 'skip') return given
  throw definitionError(
    'DATASET_INVALID',
    `${place} missing`,
    `expected fail or skip, found ${show(given)}`,
    'skip where days without data are normal.',
  )
}

function locationOf(
  place: string,
  options: { readonly files?: unknown; readonly location?: unknown },
): DatasetDefinition['location'] {
  if ((options.files === undefined) === (options.location === undefined)) {
    throw definitionError(
      'DATASET_INVALID',
      place,
      options.files === undefined ? 'it does not say where it is' : 'it has both files and location',
      'files: for files that others put there; location: for a folder that steps publish into.',
    )
  }
  if (options.files !== undefined) return { kind: 'files', paths: pathsOf(`${place} files`, options.files) }
  if (typeof options.location === 'string' && options.location !== '')
    return { kind: 'published', folder: options.location }
  throw definitionError(
    'DATASET_INVALID',
    `${place} location`,
    `expected a folder, found ${show(options.location)}`,
    "For example location: 'out/invoices'; files that others make: files: 'in/{date}.csv'.",
  )
}

function keyOf(place: string, key: readonly string[] | undefined, schema: RecordSchema): readonly string[] | null {
  if (key === undefined) return null
  for (const name of key) checkField(`${place} key`, name, schema)
  if (key.length > 0 && new Set(key).size === key.length) return key
  throw definitionError(
    'DATASET_INVALID',
    `${place} key`,
    'expected one or more different fields',
    "For example key: ['customer', 'month'].",
  )
}

/** Without types anything may stand there: a word, one check without a list around it. */
function isList(place: string, checks: readonly CheckDefinition[]): readonly CheckDefinition[] {
  const given: unknown = checks
  if (Array.isArray(given) && given.every((each) => typeof each === 'object')) return checks
  throw definitionError(
    'DATASET_INVALID',
    `${place} checks`,
    `expected a list of checks, found ${show(checks)}`,
    "For example checks: [check.unique('id')]; leave checks out where there are none.",
  )
}

function checksOf(place: string, checks: readonly CheckDefinition[], schema: RecordSchema): readonly CheckDefinition[] {
  const names = new Set<string>()
  for (const definition of isList(place, checks)) {
    for (const column of columnsChecked(definition)) checkField(`${place} check ${definition.name}`, column, schema)
    if (names.has(definition.name)) {
      throw definitionError(
        'DATASET_INVALID',
        `${place} checks`,
        `two checks are called ${show(definition.name)}`,
        'Give one of them a name of its own: { name }.',
      )
    }
    names.add(definition.name)
  }
  return checks
}

/** The fields of a foreign schema are not known; its users rely on the type checker. */
function checkField(place: string, name: string, schema: RecordSchema): void {
  const names = schema.fields?.map((field) => field.name)
  if (names === undefined || names.includes(name)) return
  throw definitionError(
    'DATASET_INVALID',
    place,
    `there is no field ${show(name)} in the contract`,
    `${didYouMean(name, names)}Fields: ${names.join(', ')}.`,
  )
}

/** Datasets know that they are: others may be given by mistake. */
export function isDataset(value: unknown): value is Dataset<unknown> {
  return typeof value === 'object' && value !== null && 'contract' in value && 'location' in value && 'inZone' in value
}

/** What `.previous()` and the like give. */
export function isDatasetInput(value: unknown): value is {
  readonly input: { readonly from: 'dataset'; readonly dataset: Dataset<unknown>; readonly windows: WindowSelector }
} {
  return typeof value === 'object' && value !== null && 'input' in value && !('declaring' in value)
}
