import path from 'node:path'
import { appendFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { contract, csv, dataset, field, Fault, jsonl, record, type DatasetDefinition } from '../../job/index.ts'
import { Decimal } from '../../kernel/decimal.ts'
import type { DeadLetter } from '../contract.ts'
import { exactJson } from '../formats/exact-json.ts'
import { AUTO, FilesProject, readPartition, type SeenRecord } from '../fixtures/files-project.ts'
import { partitionOpener } from './open-partition.ts'
import { planDeadLetters } from './plan-dead-letters.ts'

const lineRow = record({ id: field.text(), price: field.decimal({ scale: 2 }) })

function letterOf(seen: SeenRecord, changes: Partial<DeadLetter> = {}): DeadLetter {
  const reason = seen.record instanceof Fault ? seen.record.reason : 'missing_customer'
  return {
    id: `letter-${seen.place.record}`,
    cause: 'rule',
    reason,
    message: reason,
    stack: null,
    position: seen.place,
    raw: seen.raw,
    ...changes,
  }
}

async function replay(
  project: FilesProject,
  given: DatasetDefinition | null,
  letters: readonly DeadLetter[],
  snapshot: Parameters<typeof planDeadLetters>[0]['snapshot'] = null,
) {
  const file = await project.write('letters.jsonl', letters.map((letter) => `${JSON.stringify(letter)}\n`).join(''))
  const { folders } = project
  const planned = await planDeadLetters({ file, dataset: given, snapshot, step: 'rate', folders })
  const open = partitionOpener({ dataset: given, policy: AUTO, folders })
  return { file, planned, open, seen: await readPartition(open, planned.partitions[0]!) }
}

test('dead letters of CSV files are read again by the header of the file that each came from, at their own places', async () => {
  await using project = await FilesProject.create({
    'in/1.csv': 'id,price\na,1.50\n"b\n""x""",2\nc,\n',
    'in/2.csv': 'price,other,id\n3,é,d\n4,,e\n',
  })
  const given = dataset('lines', { files: 'in/*.csv', format: csv(), contract: contract(1, lineRow) })
  const { planned: first, seen } = await project.readAll(given)
  const {
    seen: again,
    planned,
    open,
  } = await replay(
    project,
    given,
    seen.map((each) => letterOf(each)),
    {
      files: first.files,
      digest: '',
    },
  )
  expect(planned.partitions.length).toBe(1)
  expect(again.map((each) => each.record)).toEqual(seen.map((each) => each.record))
  expect(again.map((each) => [each.place, each.raw])).toEqual(seen.map((each) => [each.place, each.raw]))
  for (const [at, { after }] of again.entries()) {
    expect(await readPartition(open, planned.partitions[0]!, after)).toEqual(again.slice(at + 1))
  }
  const reader = await open(planned.partitions[0]!, null)
  const digests: string[] = []
  for (let batch = await reader.read(); batch !== null; batch = await reader.read()) digests.push(batch.digest)
  await reader.close()
  expect(digests).toEqual(first.files.map((file) => file.sha256))
})

test('a letter that was mended is read as mended; one that could not be kept whole stays dead until it is', async () => {
  await using project = await FilesProject.create({
    'in.csv': Buffer.concat([Buffer.from('id,price\na,\n'), Buffer.from([0xff]), Buffer.from(',2\n')]),
  })
  const given = dataset('lines', { files: 'in.csv', format: csv(), contract: contract(1, lineRow) })
  const { seen } = await project.readAll(given)
  const mended = { raw: 'a,9.99' }
  const { seen: again } = await replay(project, given, [
    letterOf(seen[0]!, mended),
    letterOf(seen[1]!),
    letterOf(seen[1]!, { raw: 'ÿ,2' }),
  ])
  expect(again.map(({ record: found }) => (found instanceof Fault ? found.reason : found))).toEqual([
    { id: 'a', price: Decimal.from('9.99') },
    'invalid_utf8',
    { id: 'ÿ', price: Decimal.from('2') },
  ])
})

test("where the file is gone, the contract's own columns are taken, and the plan says so", async () => {
  await using project = await FilesProject.create()
  const given = dataset('lines', { files: 'in.csv', format: csv(), contract: contract(1, lineRow) })
  const place = { source: 'in.csv', windowKey: null, record: 1, offset: 9 }
  const { seen, planned } = await replay(project, given, [
    letterOf({ record: {}, after: null, place, raw: 'a,1' }),
    letterOf({ record: {}, after: null, place, raw: 'a,1,2' }),
    letterOf({ record: {}, after: null, place, raw: '"a,1' }),
  ])
  expect(planned.notes[1]).toBe("in.csv: its header cannot be read again; the contract's own columns are taken")
  expect(seen.map(({ record: found }) => (found instanceof Fault ? found.reason : found))).toEqual([
    { id: 'a', price: Decimal.from('1') },
    'field_count',
    'unterminated_quote',
  ])
})

test('dead letters of JSON Lines and of steps are read again as their source was', async () => {
  await using project = await FilesProject.create()
  const given = dataset('lines', { files: 'in.jsonl', format: jsonl(), contract: contract(1, lineRow) })
  const place = { source: 'in.jsonl', windowKey: null, record: 1, offset: 0 }
  const fromFile = await replay(project, given, [
    letterOf({ record: {}, after: null, place, raw: '{"id":"a","price":"1.50"}' }),
    letterOf({ record: {}, after: null, place, raw: '{"id":' }),
  ])
  expect(fromFile.seen[0]?.record).toEqual({ id: 'a', price: Decimal.from('1.50') })
  expect(fromFile.seen[1]?.record).toMatchObject({ reason: 'bad_json' })
  const value = {
    amount: Decimal.from('-12.500'),
    many: 10n ** 20n,
    at: new Date(0),
    list: [{ none: null }],
    text: 'é',
  }
  const raw = exactJson(value)
  const fromStep = await replay(project, null, [
    letterOf({ record: {}, after: null, place: { ...place, source: 'rate/3' }, raw }),
  ])
  expect(fromStep.seen[0]?.record).toEqual(value)
})

test('a replay file that is damaged, changed or missing is refused with its line', async () => {
  await using project = await FilesProject.create()
  const place = { source: 'rate/0', windowKey: null, record: 1, offset: null }
  const { file, open, planned } = await replay(project, null, [letterOf({ record: {}, after: null, place, raw: '{}' })])
  await appendFile(file, '{"raw": 5}\n')
  await expect(readPartition(open, planned.partitions[0]!)).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' })
  const request = { dataset: null, snapshot: null, step: 'rate', folders: project.folders }
  await expect(planDeadLetters({ ...request, file })).rejects.toMatchObject({
    code: 'DEAD_LETTER_INVALID',
    details: { line: 2 },
  })
  const missing = path.join(project.folders.project, 'none.jsonl')
  await expect(planDeadLetters({ ...request, file: missing })).rejects.toMatchObject({ code: 'INPUT_MISSING' })
})
