import type { ContractDefinition, Fault, FieldDefinition } from '../../job/model.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import { objectOf, oldestVersion, upcastRows } from './upcast.ts'

/** How the rows of one file become records: which cells are wanted, and what reads them. */
export interface RowLayout {
  /** Columns of the file. A row with another number is ragged. */
  readonly width: number
  /** For each column its place among the wanted cells; -1 for a column that nobody reads. */
  readonly slots: Int32Array
  /** Number of wanted cells. */
  readonly wanted: number
  /** Reads the wanted cells of a row. The array is used again for the next row. */
  readonly read: (cells: readonly string[]) => object | Fault
}

/** Names of the columns of a file without a header: the contract's own, in order. */
export function impliedColumns(contract: ContractDefinition): readonly string[] | null {
  return contract.schema.fields?.map((field) => field.column) ?? null
}

/**
 * Fits a contract to the columns of a file, once, so that the hot loop has no look-ups.
 * Columns that the contract does not know are left out; optional and defaulted ones may be missing. Rows of an older
 * contract version are brought up to the present one.
 *
 * @param version contract version that the file was written under; default the present one.
 */
export function layoutRows(
  columns: readonly string[],
  contract: ContractDefinition,
  version = contract.version,
): RowLayout {
  const { schema } = contract
  if (version < contract.version) return wholeRows(columns, upcastRows(columns, contract, version))
  if (schema.fields === null) return wholeRows(columns, (cells) => schema.readObject(objectOf(columns, cells)))
  const slots = new Int32Array(columns.length).fill(-1)
  let wanted = 0
  const places = schema.fields.map((field) => {
    const column = columns.indexOf(field.column)
    if (column === -1) return -1
    const slot = slots[column] ?? -1
    if (slot !== -1) return slot // two fields of one column
    slots[column] = wanted
    wanted += 1
    return wanted - 1
  })
  return { width: columns.length, slots, wanted, read: schema.compileRow(places) }
}

function wholeRows(columns: readonly string[], read: RowLayout['read']): RowLayout {
  return { width: columns.length, slots: Int32Array.from(columns.keys()), wanted: columns.length, read }
}

/**
 * The contract version that a file's header belongs to: the present one where it has every column that is needed, else the
 * oldest that there is an upcast from.
 *
 * @throws COLUMN_MISSING | COLUMN_AMBIGUOUS naming the file, the column, the header found and a near match.
 */
export function headerVersion(columns: readonly string[], contract: ContractDefinition, file: string): number {
  const older = oldestVersion(contract)
  for (const field of contract.schema.fields ?? []) {
    const first = columns.indexOf(field.column)
    if (first === -1) {
      if (field.optional || field.defaultValue !== undefined) continue
      if (older !== null) return older
      throw columnMissing(columns, field, file)
    } else if (columns.includes(field.column, first + 1)) {
      throw columnAmbiguous(columns, field, file)
    }
  }
  return contract.version
}

function columnMissing(columns: readonly string[], field: FieldDefinition, file: string): BatchwrightError {
  const near = nearest(field.column, columns) ?? holding(field.column, columns)
  const other = otherDelimiter(columns)
  const suggestion = near === null ? '' : `. Is it ${JSON.stringify(near)}?`
  if (other !== null) return wrongDelimiter(columns, field, file, other)
  return new BatchwrightError({
    code: 'COLUMN_MISSING',
    message: `expected a column ${JSON.stringify(field.column)} in ${file}; its header is ${headerText(columns)}${suggestion}`,
    hint:
      near === null
        ? `Say what it is called there: ${field.name}: field....column('...'). Where the file has none, declare the field optional or with a default. Then \`batchwright retry RUN\` goes on.`
        : `Name the column of the field: ${field.name}: field....column(${JSON.stringify(near)}), or deliver the file with ${JSON.stringify(field.column)}; then \`batchwright retry RUN\` goes on.`,
    details: { file, column: field.column, header: columns, ...(near === null ? {} : { near }) },
  })
}

/** The one column whose name holds the other's: `unit_price` for `price`; null where none or several do. */
function holding(name: string, names: readonly string[]): string | null {
  const plain = plainName(name)
  if (plain.length < 3) return null
  const found = names.filter((each) => plainName(each).includes(plain) || plain.includes(plainName(each)))
  return found.length === 1 ? (found[0] ?? null) : null
}

const DELIMITERS = [';', '\t', '|', ',']

/** The character that a header of one column is full of; null where there is none such. */
function otherDelimiter(columns: readonly string[]): string | null {
  const [only = ''] = columns
  return columns.length === 1 ? (DELIMITERS.find((delimiter) => only.includes(delimiter)) ?? null) : null
}

function wrongDelimiter(
  columns: readonly string[],
  field: FieldDefinition,
  file: string,
  delimiter: string,
): BatchwrightError {
  const format = delimiter === '\t' ? 'tsv()' : `csv({ delimiter: '${delimiter}' })`
  return new BatchwrightError({
    code: 'COLUMN_MISSING',
    message: `expected a column ${JSON.stringify(field.column)} in ${file}; its header is one column, ${headerText(columns)}`,
    hint: `The file seems to have another delimiter: give the dataset format: ${format}; then \`batchwright retry RUN\` goes on.`,
    details: { file, column: field.column, header: columns, delimiter },
  })
}

function columnAmbiguous(columns: readonly string[], field: FieldDefinition, file: string): BatchwrightError {
  return new BatchwrightError({
    code: 'COLUMN_AMBIGUOUS',
    message: `expected one column ${JSON.stringify(field.column)} in ${file}, found more; its header is ${headerText(columns)}`,
    hint: 'Rename all but one of them in the file, then `batchwright retry RUN` goes on.',
    details: { file, column: field.column, header: columns },
  })
}

const HEADER_TEXT_LIMIT = 500

function headerText(columns: readonly string[]): string {
  const text = columns.map((column) => JSON.stringify(column)).join(', ')
  return text.length <= HEADER_TEXT_LIMIT ? text : `${text.slice(0, HEADER_TEXT_LIMIT)}... (${columns.length} columns)`
}

/** The name most like `name`: equal but for case, blanks and punctuation, else within a third of its letters. */
export function nearest(name: string, names: readonly string[]): string | null {
  const plain = plainName(name)
  const equal = names.find((candidate) => plainName(candidate) === plain)
  if (equal !== undefined) return equal
  let best: string | null = null
  let bestDistance = Math.floor(plain.length / 3) + 1
  for (const candidate of names) {
    const distance = editDistance(plain, plainName(candidate), bestDistance)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '')
}

/** Levenshtein distance; `limit` where it is at least that. */
function editDistance(left: string, right: string, limit: number): number {
  if (Math.abs(left.length - right.length) >= limit) return limit
  let row = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= right.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return Math.min(row[right.length] ?? limit, limit)
}
