import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Fault, type PartitionPolicy } from '../../job/model.ts'
import { AUTO, FilesProject, type SeenRecord } from '../fixtures/files-project.ts'
import { csvFormat, filesDataset, textSchema } from '../fixtures/text-schema.ts'

/** A whole file parsed one character at a time, with none of the reader's ideas: what any partitioning must add up to. */
function naiveParse(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let cell = ''
  let cellOpen = false
  let quoted = false
  const endRow = (): void => {
    if (row.length > 0 || cell !== '' || cellOpen) rows.push([...row, cell])
    row = []
    cell = ''
    cellOpen = false
  }
  const content = text.startsWith('\uFEFF') ? text.slice(1) : text
  for (let at = 0; at < content.length; at += 1) {
    const character = content.charAt(at)
    if (quoted) {
      if (character !== '"') cell += character
      else if (content.charAt(at + 1) === '"') cell += content.charAt((at += 1))
      else quoted = false
    } else if (character === '"' && cell === '' && !cellOpen) {
      quoted = true
      cellOpen = true
    } else if (character === ',') {
      row.push(cell)
      cell = ''
      cellOpen = false
    } else if (character === '\n') {
      endRow()
    } else if (character === '\r' && (content.charAt(at + 1) === '\n' || at + 1 === content.length)) {
      continue
    } else {
      cell += character
    }
  }
  endRow()
  return rows
}

const COLUMNS = ['a', 'b', 'c']

/** Cells of the awkward kind, as they stand in a file. */
const fileCell = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: fc.constantFrom('x', 'é', '7', ' ', '€', '𝄞', '|'), maxLength: 6 }) },
  {
    weight: 2,
    arbitrary: fc
      .string({ unit: fc.constantFrom('x', '"', ',', '\n', '\r\n', '\r', 'ü', '雪'), maxLength: 12 })
      .map((text) => `"${text.replaceAll('"', '""')}"`),
  },
  { weight: 1, arbitrary: fc.constantFrom('5" pipe', 'a"', '""', '"quoted" and more', '"a""b"c', "'") },
)
const fileRow = fc.tuple(
  fc.oneof(
    { weight: 9, arbitrary: fc.array(fileCell, { minLength: 3, maxLength: 3 }) },
    { weight: 1, arbitrary: fc.array(fileCell, { minLength: 1, maxLength: 5 }) },
  ),
  fc.constantFrom('\n', '\r\n', '\n\n', '\r\n\r\n'),
)
const csvFile = fc.record({
  bom: fc.boolean(),
  rows: fc.array(fileRow, { maxLength: 40 }),
  finalNewline: fc.boolean(),
})

function fileText({
  bom,
  rows,
  finalNewline,
}: {
  bom: boolean
  rows: [string[], string][]
  finalNewline: boolean
}): string {
  const body = rows.map(([cells, newline]) => cells.join(',') + newline).join('')
  const text = `${bom ? '\uFEFF' : ''}a,b,c\n${body}`
  return finalNewline ? text : text.replace(/[\r\n]+$/, '')
}

const partitioning: fc.Arbitrary<PartitionPolicy> = fc.oneof(
  fc.constant(AUTO),
  fc.integer({ min: 1, max: 200 }).map((size) => ({ ...AUTO, by: 'bytes' as const, size })),
  fc.integer({ min: 1, max: 12 }).map((size) => ({ ...AUTO, by: 'rows' as const, size })),
)

/** What the reader should have made of a naive row. */
function shouldBe(row: readonly string[]): unknown {
  if (row.length !== COLUMNS.length) return { reason: 'field_count', message: `expected 3 fields, found ${row.length}` }
  return Object.fromEntries(COLUMNS.map((column, index) => [column, row[index]]))
}

function asSeen({ record }: SeenRecord): unknown {
  return record instanceof Fault ? { reason: record.reason, message: record.message } : record
}

test('partitions of any size, put together, are the file as a naive parser reads it, record numbers included', async () => {
  await fc.assert(
    fc.asyncProperty(csvFile, partitioning, fc.boolean(), async (file, policy, gzip) => {
      const text = fileText(file)
      const expected = naiveParse(text).slice(1).map(shouldBe)
      await using project = await FilesProject.create({ 'in.csv': gzip ? gzipSync(text) : text })
      const { planned, seen } = await project.readAll(filesDataset(['in.csv'], textSchema(COLUMNS)), policy)
      expect(seen.map(asSeen)).toEqual(expected)
      expect(seen.map(({ place }) => place.record)).toEqual(expected.map((_, index) => index + 1))
      expect(planned.files[0]?.records).toBe(expected.length)
      expect(planned.partitions.reduce((sum, partition) => sum + (partition.records ?? 0), 0)).toBe(expected.length)
      for (const { place, raw } of seen) {
        const bytes = Buffer.from(text)
        expect(place.offset).toBe(gzip ? null : bytes.indexOf(raw, place.offset ?? 0))
      }
    }),
    { numRuns: 300 },
  )
})

test('opening a partition at any position gives exactly the rest', async () => {
  await fc.assert(
    fc.asyncProperty(csvFile, partitioning, fc.boolean(), async (file, policy, gzip) => {
      const text = fileText(file)
      const dataset = filesDataset(['in.csv'], textSchema(COLUMNS))
      await using project = await FilesProject.create({ 'in.csv': gzip ? gzipSync(text) : text })
      const planned = await project.plan(dataset, policy)
      for (const { index } of planned.partitions.slice(0, 6)) {
        const whole = await project.read(dataset, planned, index, { policy })
        for (const [at, { after }] of whole.entries()) {
          expect(await project.read(dataset, planned, index, { policy, position: after })).toEqual(whole.slice(at + 1))
        }
      }
    }),
    { numRuns: 40 },
  )
})

test('a block of thousands of records is handed out in batches, and gone on with from any of them', async () => {
  const rows = Array.from(
    { length: 2500 },
    (_, index) => `${index},é,"x\n${index % 7}"${index % 500 === 0 ? '\n\r\n' : '\n'}`,
  )
  const text = `a,b,c\n${rows.join('')}\n\n`
  const dataset = filesDataset(['in.csv'], textSchema(COLUMNS))
  for (const content of [text, gzipSync(text)]) {
    await using project = await FilesProject.create({ 'in.csv': content })
    const planned = await project.plan(dataset)
    expect(planned.partitions).toHaveLength(1)
    const whole = await project.read(dataset, planned, 0)
    expect(whole.map(asSeen)).toEqual(naiveParse(text).slice(1).map(shouldBe))
    for (const at of [0, 498, 999, 1000, 1001, 1999, 2000, 2498, 2499]) {
      const rest = await project.read(dataset, planned, 0, { position: whole[at]?.after ?? null })
      expect(rest).toEqual(whole.slice(at + 1))
    }
  }
})

test('a tab-separated file without quotes or header is read by position', async () => {
  await using project = await FilesProject.create({ 'in.tsv': 'x\t"y"\n"\tz\n' })
  const format = { ...csvFormat, delimiter: '\t', quote: '', header: false }
  const { seen } = await project.readAll(filesDataset(['in.tsv'], textSchema(['a', 'b']), { format }))
  expect(seen.map(({ record }) => record)).toEqual([
    { a: 'x', b: '"y"' },
    { a: '"', b: 'z' },
  ])
})
