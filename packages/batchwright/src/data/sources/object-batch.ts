import type { Fault, RecordPosition } from '../../job/model.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import type { Batch } from '../contract.ts'

/** How a source of objects answers for its records, by their place in the list that was read. */
export interface ObjectPlaces {
  /** SHA-256 of the file, or of the upstream parts. */
  readonly digest: string
  readonly bytes: number
  positionAfter(row: number): JsonValue
  locate(row: number): RecordPosition
  raw(row: number): string
  /** Bytes before a row; absent where rows count as of one size. */
  bytesBefore?(row: number): number
}

/** Records that come as objects, not as text: from steps of the run, Parquet, dead letters. */
export class ObjectBatch implements Batch {
  readonly digest: string
  readonly records: readonly (object | Fault)[]
  readonly bytes: number
  readonly #places: ObjectPlaces
  readonly #kept: readonly number[] | null

  /** `kept`: rows of `all` that the batch has, in order; null for all of them. */
  constructor(all: readonly (object | Fault)[], kept: readonly number[] | null, places: ObjectPlaces) {
    this.digest = places.digest
    this.records = kept === null ? all : pick(all, kept)
    this.bytes = places.bytes
    this.#places = places
    this.#kept = kept
  }

  positionAfter(index: number): JsonValue {
    return this.#places.positionAfter(this.#row(index))
  }

  locate(index: number): RecordPosition {
    return this.#places.locate(this.#row(index))
  }

  raw(index: number): string {
    return this.#places.raw(this.#row(index))
  }

  bytesBefore(index: number): number {
    if (index === 0) return 0
    return this.#places.bytesBefore?.(this.#row(index)) ?? Math.floor((this.bytes * index) / this.records.length)
  }

  #row(index: number): number {
    const row = this.#kept === null ? index : this.#kept[index]
    if (row === undefined || index < 0 || index >= this.records.length) {
      throw new RangeError(`record ${index} of a batch of ${this.records.length}`)
    }
    return row
  }
}

function pick(all: readonly (object | Fault)[], places: readonly number[]): readonly (object | Fault)[] {
  const wanted = new Set(places)
  return all.filter((_, index) => wanted.has(index))
}
