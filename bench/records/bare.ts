/**
 * The bare loop: what a careful programmer writes without an engine. Reads the file in pieces, parses, validates, prices,
 * checks and writes JSON Lines; no digests, no checkpoints, no fsync.
 *
 *   node --conditions=batchwright-source bare.ts INPUT OUTPUT
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { CsvParser } from '../../packages/batchwright/src/data/formats/csv-parser.ts'
import { layoutRows } from '../../packages/batchwright/src/data/formats/columns.ts'
import { LineBuffer } from '../../packages/batchwright/src/data/sinks/line-buffer.ts'
import { Fault } from '../../packages/batchwright/src/job/index.ts'
import { lineContract, price, pricedContract } from './jobs/rows.ts'
import type { Line } from './jobs/rows.ts'

const PIECE_BYTES = 256 * 1024
/** Records parsed at a time, as the engine does it: more of them at once cost the young generation more than they save. */
const RECORDS = 1000
const LF = 10

function main(input: string, output: string): void {
  const source = openSync(input, 'r')
  const target = openSync(output, 'w')
  const toJson = pricedContract.schema.compileJson()
  const check = (record: unknown): Fault | null => pricedContract.schema.check(record)
  const lines = new LineBuffer()
  let parser: CsvParser | null = null
  for (const piece of pieces(source)) {
    let from = 0
    if (parser === null) {
      from = piece.indexOf(LF) + 1
      const columns = piece.toString('utf8', 0, from - 1).split(',')
      parser = new CsvParser({ delimiter: ',', quote: '"', maxRecordBytes: 1 << 24 }, layoutRows(columns, lineContract))
    }
    const length = piece.length - 1
    const block = { bytes: piece, length, total: length }
    for (let at = from; at < length;) {
      const { records, next } = parser.parse(block, at, RECORDS)
      for (const record of records) {
        if (record instanceof Fault) throw new Error(record.message)
        const priced = price(record as Line) // eslint-disable-line @typescript-eslint/no-unsafe-type-assertion -- the contract read it
        const fault = check(priced)
        if (fault !== null) throw new Error(fault.message)
        lines.add(toJson(priced))
      }
      at = next
      writeSync(target, lines.slice(0, lines.length))
      lines.clear()
    }
  }
  closeSync(source)
  closeSync(target)
}

/** The file in pieces that end with a record, each with the one newline more that the parser wants behind it. */
function* pieces(file: number): Generator<Buffer> {
  let rest = Buffer.alloc(0)
  for (;;) {
    const buffer = Buffer.allocUnsafe(rest.length + PIECE_BYTES + 1)
    rest.copy(buffer)
    const read = readSync(file, buffer, rest.length, PIECE_BYTES, null)
    const filled = rest.length + read
    const end = read === 0 ? filled : buffer.lastIndexOf(LF, filled - 1) + 1
    rest = Buffer.from(buffer.subarray(end, filled))
    if (end > 0) {
      buffer[end] = LF
      yield buffer.subarray(0, end + 1)
    }
    if (read === 0) return
  }
}

const [input, output] = process.argv.slice(2)
if (input === undefined || output === undefined) throw new Error('expected: bare.ts INPUT OUTPUT')
main(input, output)
