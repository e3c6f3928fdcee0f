import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { contract, csv, dataset, field, jsonl, record } from '../../job/index.ts'
import type { PartitionPolicy } from '../../job/model.ts'
import type { PartitionPlan } from '../../protocol/index.ts'
import type { OpenPartition } from '../contract.ts'
import { readCut } from '../fixtures/cutting.ts'
import { AUTO, FilesProject, readPartition } from '../fixtures/files-project.ts'
import { partitionOpener } from './open-partition.ts'
import { filePayload, readFileSlice } from './payload.ts'

const row = record({ id: field.text(), note: field.text().optional() })
const LINES = 90
/** Quoted newlines, blank lines and a record that the contract refuses: every cut has to fall between records all the same. */
const CSV = `id,note\n\n${Array.from({ length: LINES }, (_, at) => `r${at},"a\n${'x'.repeat(at % 5)}"\n${at % 9 === 0 ? '\r\n\n' : ''}${at % 31 === 7 ? 'too,many,cells\n' : ''}`).join('')}\n`
const JSONL = Array.from(
  { length: LINES },
  (_, at) => `${JSON.stringify({ id: `r${at}` })}${at % 7 === 0 ? '\n' : ''}\n`,
).join('')
const BY_ID: PartitionPolicy = {
  by: 'keyHash',
  size: null,
  count: 3,
  key: (each) => ('id' in each ? String(each.id) : ''),
}
/** Blocks of a few records, so that cuts fall in the block in hand, in the one read ahead, and beyond. */
const SMALL: PartitionPolicy = { ...AUTO, by: 'bytes', size: 200 }

interface Input {
  readonly open: OpenPartition
  readonly partitions: readonly PartitionPlan[]
}

async function planned(project: FilesProject, name: string, policy: PartitionPolicy): Promise<Input> {
  const format = name.includes('csv') ? csv() : jsonl()
  const given = dataset('lines', { files: name, format, contract: contract(1, row) })
  const { partitions } = await project.plan(given, policy)
  return { partitions, open: partitionOpener({ dataset: given, policy, folders: project.folders }) }
}

/** Joins partitions that were cut into small blocks back into one, as a large file would be. */
function joined(partitions: readonly PartitionPlan[]): PartitionPlan {
  const [first] = partitions
  const last = partitions.at(-1)
  if (first === undefined || last === undefined) throw new Error('no partition')
  const [slice, end] = [readFileSlice(first.payload), readFileSlice(last.payload)]
  if (slice === null || end === null) throw new Error('no slices of a file')
  const payload = filePayload({ ...slice, blocks: { ...slice.blocks, to: end.blocks.to } })
  return { ...first, payload, records: partitions.reduce((sum, each) => sum + (each.records ?? 0), 0) }
}

test.each([
  ['in.csv', CSV],
  ['in.jsonl', JSONL],
])('%s, cut after any of its records into any pieces, is read like the uncut one', async (name, text) => {
  await using project = await FilesProject.create({ [name]: text })
  const { open, partitions } = await planned(project, name, SMALL)
  expect(partitions.length).toBeGreaterThan(4)
  const partition = joined(partitions)
  const whole = await readPartition(open, partition)
  const uncut = await readCut(open, partition, [])
  for (let after = 1; after <= whole.length; after += 1) {
    for (const pieces of [2, 3, 50]) {
      const reading = await readCut(open, partition, [{ after, pieces }])
      expect(reading.seen).toEqual(whole)
      expect(reading.bytes).toBe(uncut.bytes)
      expect(reading.planned).toEqual(reading.sizes)
      const left = whole.length - after
      expect(reading.sizes).toHaveLength(left < 2 ? 1 : Math.min(pieces, left))
      expect(reading.refused).toEqual(left < 2 ? ['there is nothing left to give away'] : [])
      // What is left is shared evenly: the reader keeps what it has taken, and its part of the rest.
      const shares = [(reading.sizes[0] ?? 0) - after, ...reading.sizes.slice(1)]
      if (left > 1) expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1)
    }
  }
})

const cutsOf = fc
  .uniqueArray(fc.record({ after: fc.integer({ min: 1, max: LINES }), pieces: fc.integer({ min: 2, max: 6 }) }), {
    selector: ({ after }) => after,
    maxLength: 12,
  })
  .map((cuts) => cuts.toSorted((a, b) => a.after - b.after))

test.each([SMALL, AUTO, BY_ID])(
  'cut again and again, pieces of pieces too, it is read like the uncut one: %o',
  async (policy) => {
    await using project = await FilesProject.create({ 'in.csv': CSV })
    const { open, partitions } = await planned(project, 'in.csv', policy)
    for (const partition of partitions.slice(0, 3)) {
      const whole = await readPartition(open, partition)
      const uncut = await readCut(open, partition, [])
      await fc.assert(
        fc.asyncProperty(cutsOf, async (cuts) => {
          const reading = await readCut(open, partition, cuts)
          expect(reading.seen).toEqual(whole)
          // A share's batches stand for bytes of other shares' records too.
          if (policy.by === 'keyHash') return
          expect(reading.bytes).toBe(uncut.bytes)
          expect(reading.planned).toEqual(reading.sizes)
        }),
        { numRuns: 25 },
      )
    }
  },
)

test('a reader goes on from any position of a piece, and ends where the piece does', async () => {
  await using project = await FilesProject.create({ 'in.csv': CSV })
  const { open, partitions } = await planned(project, 'in.csv', SMALL)
  const partition = joined(partitions)
  const whole = await readPartition(open, partition)
  const reader = await open(partition, null)
  const batch = await reader.read()
  if (batch === null || reader.cut === undefined) throw new Error('nothing to cut')
  const cut = await reader.cut({ batch, taken: 1, pieces: 3 })
  await reader.close()
  if ('refused' in cut) throw new Error(cut.refused)
  let before = 0
  for (const piece of [cut.own, ...cut.rest]) {
    const records = piece.records ?? 0
    for (let at = 0; at < records; at += 1) {
      const position = whole[before + at]?.after ?? null
      expect(await readPartition(open, { ...piece, index: 0 }, position)).toEqual(
        whole.slice(before + at + 1, before + records),
      )
    }
    before += records
  }
  expect(before).toBe(whole.length)
})

test('nothing changes for a reader whose cut is not taken', async () => {
  await using project = await FilesProject.create({ 'in.csv': CSV })
  const { open, partitions } = await planned(project, 'in.csv', AUTO)
  const whole = await readPartition(open, partitions[0]!)
  const reader = await open(partitions[0]!, null)
  let read = 0
  for (let batch = await reader.read(); batch !== null; batch = await reader.read()) {
    read += batch.records.length
    const cut = await reader.cut?.({ batch, taken: 1, pieces: 4 })
    expect(cut).toHaveProperty('rest')
  }
  await reader.close()
  expect(read).toBe(whole.length)
})

test('a compressed file is not cut, and says why', async () => {
  await using project = await FilesProject.create({ 'in.csv.gz': gzipSync(CSV) })
  const { open, partitions } = await planned(project, 'in.csv.gz', AUTO)
  const reading = await readCut(open, partitions[0]!, [{ after: 3, pieces: 2 }])
  expect(reading.refused).toEqual(['a compressed file can only be read from its beginning'])
  expect(reading.sizes).toEqual([reading.seen.length])
})

test('a cut into a block whose bytes have changed is refused: INPUT_CHANGED', async () => {
  await using project = await FilesProject.create({ 'in.csv': CSV })
  const { open, partitions } = await planned(project, 'in.csv', SMALL)
  const partition = joined(partitions)
  const reader = await open(partition, null)
  const batch = await reader.read()
  await project.write('in.csv', CSV.replaceAll('r8', 'R8'))
  await expect(reader.cut?.({ batch: batch!, taken: 1, pieces: 20 })).rejects.toMatchObject({ code: 'INPUT_CHANGED' })
  await reader.close()
})
