import type { LookupDefinition, LookupTable } from '../../job/index.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import { canonicalText } from '../records/canonical-key.ts'

type Row = Readonly<Record<string, unknown>>

/** The rows of a lookup by key. Keys of one text or number are found as they are; others by a text that is equal for equal values. */
export class RowTable implements LookupTable {
  readonly #name: string
  readonly #definition: Pick<LookupDefinition, 'by' | 'duplicates'>
  readonly #plain = new Map<unknown, Row | Row[]>()
  readonly #canonical = new Map<string, Row | Row[]>()
  readonly #rows: Row[] = []

  constructor(name: string, definition: Pick<LookupDefinition, 'by' | 'duplicates'>) {
    this.#name = name
    this.#definition = definition
  }

  /** Adds the next row of the dataset. False where its key is taken and duplicates are refused. */
  add(row: object): boolean {
    // Rows are read by field name: the contract knows them, and `by` was checked against it.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
    const fields = row as Row
    const key = this.keyOf(fields)
    const known = this.#find(key)
    const { duplicates } = this.#definition
    if (known !== undefined && duplicates === 'fail') return false
    Object.freeze(fields)
    this.#rows.push(fields)
    // In its place: a copy for each row would be quadratic in the rows of one key.
    if (isList(known)) known.push(fields)
    else if (duplicates === 'list') this.#set(key, [fields])
    else if (known === undefined || duplicates === 'last') this.#set(key, fields)
    return true
  }

  /** All rows have been added: what is found is handed out from here on. */
  seal(): void {
    for (const found of [this.#plain.values(), this.#canonical.values()])
      for (const each of found) if (isList(each)) Object.freeze(each)
  }

  keyOf(row: Row): readonly unknown[] {
    return this.#definition.by.map((field) => row[field])
  }

  get(...key: readonly unknown[]): unknown {
    this.#checkKey(key)
    return this.#find(key) ?? (this.#definition.duplicates === 'list' ? NOTHING : undefined)
  }

  has(...key: readonly unknown[]): boolean {
    this.#checkKey(key)
    return this.#find(key) !== undefined
  }

  get size(): number {
    return this.#plain.size + this.#canonical.size
  }

  rows(): Iterable<object> {
    return this.#rows.values()
  }

  #find(key: readonly unknown[]): Row | Row[] | undefined {
    return isPlainKey(key) ? this.#plain.get(key[0]) : this.#canonical.get(canonicalText(key))
  }

  #set(key: readonly unknown[], found: Row | Row[]): void {
    if (isPlainKey(key)) this.#plain.set(key[0], found)
    else this.#canonical.set(canonicalText(key), found)
  }

  #checkKey(key: readonly unknown[]): void {
    const { by } = this.#definition
    if (key.length === by.length) return
    throw new BatchwrightError({
      code: 'LOOKUP_KEY_INVALID',
      message: `lookup ${this.#name}: expected the values of ${by.join(', ')}, found ${key.length} values`,
      hint: `use.${this.#name}.get(${by.join(', ')}).`,
      details: { lookup: this.#name, by: [...by] },
    })
  }
}

const NOTHING: readonly Row[] = Object.freeze([])

function isList(found: Row | Row[] | undefined): found is Row[] {
  return Array.isArray(found)
}

function isPlainKey(key: readonly unknown[]): boolean {
  const [first] = key
  return key.length === 1 && (typeof first === 'string' || typeof first === 'number')
}
