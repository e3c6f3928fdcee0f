import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { contract, csv, dataset, field, Fault, jsonl, record, type DatasetDefinition } from '../../job/index.ts'
import { Decimal } from '../../kernel/decimal.ts'
import type { PartitionPolicy } from '../../job/model.ts'
import type { DeadLetter, PlannedInput } from '../contract.ts'
import { AUTO, FilesProject, readPartition, type SeenRecord } from '../fixtures/files-project.ts'
import { partitionOpener } from './open-partition.ts'

const lineRow = record({ id: field.text(), price: field.decimal({ scale: 2 }) })
const BY_ID: PartitionPolicy = {
  by: 'keyHash',
  size: null,
  count: 3,
  key: (row) => ('id' in row ? String(row.id) : ''),
}

function letterOf(seen: SeenRecord | undefined, raw: string): DeadLetter {
  if (seen === undefined) throw new RangeError('no such record')
  const reason = seen.record instanceof Fault ? seen.record.reason : 'rule'
  const id = `letter-${seen.place.record}`
  return { id, cause: 'rule', reason, message: reason, stack: null, position: seen.place, raw }
}

async function mend(project: FilesProject, letters: readonly DeadLetter[]): Promise<string> {
  const text = letters.map((letter) => `${JSON.stringify(letter)}\n`).join('')
  return project.write('mended.jsonl', text)
}

async function readMended(
  project: FilesProject,
  given: DatasetDefinition,
  planned: PlannedInput,
  mended: string,
  policy = AUTO,
): Promise<SeenRecord[]> {
  const open = partitionOpener({ dataset: given, policy, folders: project.folders, mended })
  const seen: SeenRecord[] = []
  for (const partition of planned.partitions) seen.push(...(await readPartition(open, partition)))
  return seen
}

const shown = ({ record: found }: SeenRecord): unknown => (found instanceof Fault ? found.reason : found)

test('a mended letter stands in for its record, read by the columns of its own file; its neighbours stay', async () => {
  await using project = await FilesProject.create({
    'in/1.csv': 'id,price\na,\n"b\n""x""",2\nc,\n',
    'in/2.csv': 'price,other,id\n3,é,d\n,,e\n4,,f\n',
  })
  const given = dataset('lines', { files: 'in/*.csv', format: csv(), contract: contract(1, lineRow) })
  const { planned, seen } = await project.readAll(given)
  const mended = await mend(project, [letterOf(seen[4], '9.5,"x,y",E'), letterOf(seen[0], 'A,1')])
  const again = await readMended(project, given, planned, mended)
  expect(again.map(shown)).toEqual([
    { id: 'A', price: Decimal.from('1') },
    ...seen.slice(1, 4).map(shown),
    { id: 'E', price: Decimal.from('9.5') },
    shown(seen[5]!),
  ])
  expect(again.map(({ place, after }) => [place, after])).toEqual(seen.map(({ place, after }) => [place, after]))
  expect(again.map(({ raw }) => raw)).toEqual(
    seen.map(({ raw }, at) => (at === 0 ? 'A,1' : at === 4 ? '9.5,"x,y",E' : raw)),
  )
})

test('a mended partition goes on from any of its positions as it would have', async () => {
  const rows = Array.from({ length: 40 }, (_, row) => `r${row},${row % 7 === 0 ? '' : row}\n`)
  await using project = await FilesProject.create({ 'in.csv.gz': gzipSync(`id,price\n${rows.join('')}`) })
  const given = dataset('lines', { files: 'in.csv.gz', format: csv(), contract: contract(1, lineRow) })
  const { planned, seen } = await project.readAll(given)
  const faulty = seen.filter(({ record: found }) => found instanceof Fault)
  expect(faulty).toHaveLength(6)
  const mended = await mend(
    project,
    faulty.map((each) => letterOf(each, `m${each.place.record},0.5`)),
  )
  const again = await readMended(project, given, planned, mended)
  expect(again.filter(({ record: found }) => found instanceof Fault)).toEqual([])
  const open = partitionOpener({ dataset: given, policy: AUTO, folders: project.folders, mended })
  for (const [at, { after }] of again.entries()) {
    expect(await readPartition(open, planned.partitions[0]!, after)).toEqual(again.slice(at + 1))
  }
})

test('what is mended falls to the share of its new key, and every record to one share', async () => {
  const rows = Array.from({ length: 30 }, (_, row) => `r${row},${row === 4 ? 'x' : row}\n`)
  await using project = await FilesProject.create({ 'in.csv': `id,price\n${rows.join('')}` })
  const given = dataset('lines', { files: 'in.csv', format: csv(), contract: contract(1, lineRow) })
  const { planned, seen } = await project.readAll(given, BY_ID)
  const faulty = seen.find(({ record: found }) => found instanceof Fault)
  const placed = new Set<number>()
  for (const id of ['k1', 'k2', 'k3', 'k4', 'k5', 'k6']) {
    const mended = await mend(project, [letterOf(faulty, `${id},1`)])
    const open = partitionOpener({ dataset: given, policy: BY_ID, folders: project.folders, mended })
    const ids: unknown[] = []
    for (const partition of planned.partitions) {
      for (const { record: found } of await readPartition(open, partition)) {
        ids.push('id' in found && found.id)
        if ('id' in found && found.id === id) placed.add(partition.index)
      }
    }
    expect(ids.toSorted()).toEqual([...rows.keys()].map((row) => (row === 4 ? id : `r${row}`)).toSorted())
  }
  expect(placed.size).toBeGreaterThan(1)
})

test('what still cannot be read is a fault again: ragged rows, open quotes, text that was never whole', async () => {
  await using project = await FilesProject.create({
    'in.csv': Buffer.concat([Buffer.from('id,price\na,\nb,\nc,\n'), Buffer.from([0xff]), Buffer.from(',2\n')]),
  })
  const given = dataset('lines', { files: 'in.csv', format: csv(), contract: contract(1, lineRow) })
  const { planned, seen } = await project.readAll(given)
  const mended = await mend(project, [
    letterOf(seen[0], 'a,1,2'),
    letterOf(seen[1], '"b,1'),
    letterOf(seen[2], 'c,three'),
    letterOf(seen[3], seen[3]!.raw),
  ])
  const again = await readMended(project, given, planned, mended)
  expect(again.map(shown)).toEqual(['field_count', 'unterminated_quote', 'bad_number', 'invalid_utf8'])
})

test('mended JSON Lines are read through the contract', async () => {
  await using project = await FilesProject.create({ 'in.jsonl': '{"id":\n{"id":"b","price":"2"}\n' })
  const given = dataset('lines', { files: 'in.jsonl', format: jsonl(), contract: contract(1, lineRow) })
  const { planned, seen } = await project.readAll(given)
  const mended = await mend(project, [letterOf(seen[0], '{"id":"a","price":"1.50"}'), letterOf(seen[1], '{"id":5}')])
  const again = await readMended(project, given, planned, mended)
  expect(again[0]?.record).toEqual({ id: 'a', price: Decimal.from('1.50') })
  expect(again[1]?.record).toBeInstanceOf(Fault)
})

test('letters that are damaged or missing are refused, with their line', async () => {
  await using project = await FilesProject.create({ 'in.csv': 'id,price\na,\n' })
  const given = dataset('lines', { files: 'in.csv', format: csv(), contract: contract(1, lineRow) })
  const { planned } = await project.readAll(given)
  const damaged = await project.write('mended.jsonl', '\n{"raw": 5}\n')
  await expect(readMended(project, given, planned, damaged)).rejects.toMatchObject({
    code: 'DEAD_LETTER_INVALID',
    details: { line: 2 },
  })
  const missing = path.join(project.folders.project, 'none.jsonl')
  await expect(readMended(project, given, planned, missing)).rejects.toMatchObject({ code: 'DEAD_LETTERS_MISSING' })
})
