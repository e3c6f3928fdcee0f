import { addExtension, Packr, Unpackr } from 'msgpackr'
import { Decimal } from '../../kernel/decimal.ts'
import { BatchwrightError } from '../../kernel/errors.ts'

/** Our place among the 128 extension types of MessagePack that belong to applications. Stored data depends on it. */
const DECIMAL_EXTENSION = 1

addExtension({
  Class: Decimal,
  type: DECIMAL_EXTENSION,
  // Plain notation at the scale the value is held at: exact, and short for amounts of everyday size.
  write: (value: Decimal) => value.toFixed(value.scale),
  read: (text: string) => Decimal.from(text),
})

/**
 * Records of one shape name their fields once in each packed list and are numbered after that, so that a list is small and
 * still stands for itself. Decimals, dates, bigints and `undefined` come back as they were.
 */
const OPTIONS = {
  useRecords: true,
  useBigIntExtension: true,
  // Readers use one buffer for block after block.
  copyBuffers: true,
  writeFunction: () => {
    throw new TypeError('a function cannot be written')
  },
}

const packr = new Packr(OPTIONS)
const unpackr = new Unpackr(OPTIONS)

/** Packs a list of records. Throws what the packer throws for a value that cannot be packed: `unpackable` explains it. */
export function packRecords(records: readonly object[]): Uint8Array {
  return packr.pack(records)
}

/** The way back of `packRecords`. */
export function unpackRecords(packed: Uint8Array): readonly object[] {
  // What was packed is a list of objects, and its digest has been checked: the border of the format stands here.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
  return unpackr.unpack(packed) as readonly object[]
}

/** OUTPUT_INVALID for a list of which some record cannot be packed; `details.index` is the place of the first such. */
export function unpackable(records: readonly object[], thrown: unknown): BatchwrightError {
  const index = records.findIndex((record) => {
    try {
      packr.pack(record)
      return false
    } catch {
      return true
    }
  })
  const why = thrown instanceof Error ? thrown.message : String(thrown)
  return new BatchwrightError({
    code: 'OUTPUT_INVALID',
    message: `a record for the next step holds a value that cannot be written: ${why}`,
    hint: 'return plain values: text, numbers, decimals, dates, lists and objects of them',
    details: { index: Math.max(0, index), reason: 'unwritable_value', column: null },
    cause: thrown,
  })
}
