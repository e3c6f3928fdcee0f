import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { contract, csv, dataset, field, record } from '../../job/index.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import { AUTO, FilesProject } from '../fixtures/files-project.ts'
import { partitionOpener } from './open-partition.ts'

const row = record({ id: field.text(), price: field.decimal({ scale: 2 }) })
const TEXT = `id,price\n\n${Array.from({ length: 2_500 }, (_, at) => `r${at},${at}.5\n${at % 9 === 0 ? '\n' : ''}`).join('')}`

test.each(['in.csv', 'in.csv.gz'])(
  'bytes of %s before and after any record add up to those of the whole',
  async (name) => {
    await using project = await FilesProject.create({ [name]: name.endsWith('.gz') ? gzipSync(TEXT) : TEXT })
    const given = dataset('lines', { files: name, format: csv(), contract: contract(1, row) })
    const { partitions } = await project.plan(given)
    const [partition] = partitions
    if (partition === undefined) throw new Error('no partition')
    const open = partitionOpener({ dataset: given, policy: AUTO, folders: project.folders })

    /** Bytes read from a position to the end; `see` is told of every 97th record what was read up to it. */
    const read = async (from: JsonValue, see?: (before: number, after: JsonValue) => void): Promise<number> => {
      const reader = await open(partition, from)
      let bytes = 0
      for (let batch = await reader.read(); batch !== null; batch = await reader.read()) {
        const size = batch.records.length
        for (let next = 1; next <= size; next += 97) {
          const before = next === size ? batch.bytes : batch.bytesBefore?.(next)
          see?.(bytes + (before ?? Number.NaN), batch.positionAfter(next - 1))
        }
        bytes += batch.bytes
      }
      await reader.close()
      return bytes
    }
    const stops: { readonly before: number; readonly after: JsonValue }[] = []
    const whole = await read(null, (before, after) => stops.push({ before, after }))
    expect(whole).toBe(TEXT.length - 'id,price\n'.length)
    expect(stops.length).toBeGreaterThan(20)
    for (const { before, after } of stops) expect(before + (await read(after))).toBe(whole)
  },
)
