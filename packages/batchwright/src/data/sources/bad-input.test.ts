import { appendFile, open, rename, rm, truncate, utimes } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { Fault } from '../../job/model.ts'
import { sha256 } from '../../kernel/digest.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { Snapshot } from '../../protocol/index.ts'
import { AUTO, FilesProject, type SeenRecord } from '../fixtures/files-project.ts'
import { csvFormat, filesDataset, foreignSchema, jsonlFormat, textSchema } from '../fixtures/text-schema.ts'

const ab = textSchema(['a', 'b'])
const dataset = filesDataset(['in.csv'], ab)
const jsonLines = filesDataset(['in.jsonl'], ab, { format: jsonlFormat })

/** Records as they are, faults by their reason. */
function short(seen: readonly SeenRecord[]): unknown[] {
  return seen.map(({ record }) => (record instanceof Fault ? record.reason : record))
}

async function readCsv(content: string | Uint8Array, format: Partial<typeof csvFormat> = {}): Promise<unknown[]> {
  await using project = await FilesProject.create({ 'in.csv': content })
  const { seen } = await project.readAll(filesDataset(['in.csv'], ab, { format: { ...csvFormat, ...format } }))
  return short(seen)
}

test('a ragged row is a fault that says how many fields were expected and found; the rows around it are read', async () => {
  await using project = await FilesProject.create({ 'in.csv': 'a,b\n1,2\n3\n4,5,6\n7,8\n' })
  const { seen } = await project.readAll(dataset)
  expect(short(seen)).toEqual([{ a: '1', b: '2' }, 'field_count', 'field_count', { a: '7', b: '8' }])
  expect(seen.map(({ record }) => record instanceof Fault && record.message)).toEqual([
    false,
    'expected 2 fields, found 1',
    'expected 2 fields, found 3',
    false,
  ])
  expect(seen[2]).toMatchObject({ raw: '4,5,6', place: { source: 'in.csv', record: 3, offset: 10 } })
})

test('invalid UTF-8 is a fault of its own record only', async () => {
  const bytes = Buffer.concat([Buffer.from('a,b\né,1\n'), Buffer.from([0xff, 0x2c, 0x32, 0x0a]), Buffer.from('€,3\n')])
  expect(await readCsv(bytes)).toEqual([{ a: 'é', b: '1' }, 'invalid_utf8', { a: '€', b: '3' }])
})

test('a byte order mark, CRLF and a missing final newline leave no trace in the records', async () => {
  expect(await readCsv('\uFEFFa,b\r\n1,2\r\n\r\n3,4')).toEqual([
    { a: '1', b: '2' },
    { a: '3', b: '4' },
  ])
})

test('a quote that is never closed is a fault of the last record, which reaches to the end of the file', async () => {
  await using project = await FilesProject.create({ 'in.csv': 'a,b\n1,2\n3,"x\n5,6\n' })
  const { seen } = await project.readAll(dataset)
  expect(short(seen)).toEqual([{ a: '1', b: '2' }, 'unterminated_quote'])
  expect(seen[1]?.raw).toBe('3,"x\n5,6\n')
})

test('an empty file and a file with a header only have no records, and the plan says so', async () => {
  for (const [content, note] of [
    ['', 'in.csv: empty file, nothing to read'],
    ['a,b\n', 'in.csv: no records, nothing to read'],
    ['a,b', 'in.csv: no records, nothing to read'],
  ] as const) {
    await using project = await FilesProject.create({ 'in.csv': content })
    const planned = await project.plan(dataset)
    expect(planned).toMatchObject({ partitions: [], notes: [note], files: [{ records: 0 }] })
  }
})

test('a missing file stops the plan with its dataset and path, or is a note where the dataset says skip', async () => {
  await using project = await FilesProject.create()
  await expect(project.plan(dataset)).rejects.toMatchObject({
    code: 'INPUT_MISSING',
    details: { dataset: 'lines', path: 'in.csv', window: null },
  })
  const skipped = await project.plan(filesDataset(['in.csv'], ab, { missing: 'skip' }))
  expect(skipped).toMatchObject({ files: [], partitions: [], notes: ['dataset lines: no file at in.csv, skipped'] })
})

test('a glob gives its files in code-unit order, and nothing matched counts as missing', async () => {
  await using project = await FilesProject.create({
    'in/b.csv': 'a,b\n1,2\n',
    'in/B.csv': 'a,b\n',
    'in/10.csv': 'a,b\n',
    'in/9.txt': '',
  })
  const planned = await project.plan(filesDataset(['in/*.csv'], ab))
  expect(planned.files.map((file) => file.path)).toEqual(['in/10.csv', 'in/B.csv', 'in/b.csv'])
  await expect(project.plan(filesDataset(['in/*.tsv'], ab))).rejects.toMatchObject({ code: 'INPUT_MISSING' })
})

test('a header without a needed column is refused with the header found and a near match', async () => {
  await using project = await FilesProject.create({ 'in.csv': 'Unit Price,b\n1,2\n' })
  await expect(project.plan(filesDataset(['in.csv'], textSchema(['UnitPrice', 'b'])))).rejects.toMatchObject({
    code: 'COLUMN_MISSING',
    message: 'expected a column "UnitPrice" in in.csv; its header is "Unit Price", "b". Is it "Unit Price"?',
    details: { file: 'in.csv', column: 'UnitPrice', near: 'Unit Price' },
  })
})

test('columns are found by name: extra ones are left out, an optional one may be missing, a doubled one is refused', async () => {
  await using project = await FilesProject.create({ 'in.csv': 'x,b,y,a\n0,2,0,1\n' })
  const { seen } = await project.readAll(filesDataset(['in.csv'], textSchema(['a', 'b', 'c'], { optional: ['c'] })))
  expect(short(seen)).toEqual([{ a: '1', b: '2', c: null }])
  await project.write('in.csv', 'a,b,a\n1,2,3\n')
  await expect(project.plan(dataset)).rejects.toMatchObject({ code: 'COLUMN_AMBIGUOUS' })
})

test('a schema of another library gets an object of strings by header', async () => {
  await using project = await FilesProject.create({ 'in.csv': 'x,y\n1,"a ""b"""\n' })
  const seenValues: unknown[] = []
  const schema = foreignSchema((value) => {
    seenValues.push(value)
    return { ok: true }
  })
  const { seen } = await project.readAll(filesDataset(['in.csv'], schema))
  expect(seenValues).toEqual([{ x: '1', y: 'a "b"' }])
  expect(short(seen)).toEqual([{ ok: true }])
})

test('a single field of 50 MB is a fault, held in little memory, and reading goes on after it', async () => {
  await using project = await FilesProject.create({ 'in.csv': 'a,b\n1,2\n' })
  const file = await open(path.join(project.folders.project, 'in.csv'), 'a')
  await file.write('3,"')
  for (let megabyte = 0; megabyte < 50; megabyte += 1) await file.write(Buffer.alloc(1024 * 1024, 'x\n'))
  await file.write('"\n5,6\n')
  await file.close()
  const before = process.memoryUsage().arrayBuffers
  const { planned, seen } = await project.readAll(dataset)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(45 * 1024 * 1024)
  expect(short(seen)).toEqual([{ a: '1', b: '2' }, 'too_large', { a: '5', b: '6' }])
  expect(seen[1]?.raw.length).toBe(64 * 1024)
  expect(seen.map(({ place }) => place.record)).toEqual([1, 2, 3])
  expect(planned.files[0]?.records).toBe(3)
})

test('the largest record that is allowed is read, one byte more is a fault', async () => {
  const content = 'a,b\n1,2345\n1,23456\n1,"3\n4"\n'
  expect(await readCsv(content, { maxRecordBytes: 7 })).toEqual([
    { a: '1', b: '2345' },
    { a: '1', b: '23456' },
    { a: '1', b: '3\n4' },
  ])
  expect(await readCsv(content, { maxRecordBytes: 6 })).toEqual([{ a: '1', b: '2345' }, 'too_large', 'too_large'])
})

test('JSON Lines: what is no object is a fault; blank lines, CRLF and a byte order mark are no matter', async () => {
  const bytes = Buffer.concat([
    Buffer.from('\uFEFF{"a":"1","b":"é"}\r\n\n{"a":\n[1]\nnull\n'),
    Buffer.from([0x22, 0xc3, 0x22, 0x0a]),
    Buffer.from('{"a":"3","b":"4"}'),
  ])
  await using project = await FilesProject.create({ 'in.jsonl': bytes })
  const { seen } = await project.readAll(jsonLines)
  expect(short(seen)).toEqual([
    { a: '1', b: 'é' },
    'bad_json',
    'bad_json',
    'bad_json',
    'invalid_utf8',
    { a: '3', b: '4' },
  ])
  expect(seen.map(({ place }) => place.record)).toEqual([1, 2, 3, 4, 5, 6])
})

test('JSON Lines cut by bytes or rows, and resumed at any record, give the whole file once', async () => {
  const lines = Array.from({ length: 60 }, (_, index) => `{"a":"${index}","b":"${'é'.repeat(index % 5)}"}`)
  await using project = await FilesProject.create({ 'in.jsonl': lines.join('\n') })
  for (const policy of [
    { ...AUTO, by: 'bytes' as const, size: 100 },
    { ...AUTO, by: 'rows' as const, size: 7 },
  ]) {
    const { planned, seen } = await project.readAll(jsonLines, policy)
    expect(planned.partitions.length).toBeGreaterThan(5)
    expect(seen.map(({ raw }) => raw)).toEqual(lines)
    expect(seen.map(({ place }) => place.record)).toEqual(lines.map((_, index) => index + 1))
    const [first] = planned.partitions
    const whole = await project.read(jsonLines, planned, first!.index, { policy })
    for (const [at, { after }] of whole.entries()) {
      expect(await project.read(jsonLines, planned, first!.index, { policy, position: after })).toEqual(
        whole.slice(at + 1),
      )
    }
  }
})

test('gzip: several members are one file, which is one partition; the plan says so and hashes the bytes on disk', async () => {
  const bytes = Buffer.concat([gzipSync('a,b\n1,"x\n'), gzipSync('y"\n3,4')])
  await using project = await FilesProject.create({ 'in.csv': bytes })
  const { planned, seen } = await project.readAll(dataset, { ...AUTO, by: 'rows', size: 1 })
  expect(short(seen)).toEqual([
    { a: '1', b: 'x\ny' },
    { a: '3', b: '4' },
  ])
  expect(planned.partitions.length).toBe(1)
  expect(planned.notes).toEqual(['in.csv: gzip cannot be cut by rows, one partition'])
  expect(planned.files[0]).toMatchObject({ sha256: sha256(bytes), bytes: bytes.length, records: 2 })
})

test('a gzip file that is cut short or corrupt is refused by name', async () => {
  const whole = gzipSync(`a,b\n${'1,2\n'.repeat(1000)}`)
  const corrupt = Buffer.from(whole)
  corrupt[20] = (corrupt[20] ?? 0) ^ 0xff
  for (const bytes of [whole.subarray(0, whole.length - 9), corrupt]) {
    await using project = await FilesProject.create({ 'in.csv.gz': bytes })
    await expect(project.plan(filesDataset(['in.csv.gz'], ab))).rejects.toMatchObject({
      code: 'GZIP_DAMAGED',
      details: { path: path.join(project.folders.project, 'in.csv.gz') },
    })
  }
})

const LONG = `a,b\n${Array.from({ length: 60_000 }, (_, index) => `${index},some text\n`).join('')}`

test('a byte that flips between plan and read is found, and none of its block is handed out', async () => {
  await using project = await FilesProject.create({ 'in.csv': LONG })
  const planned = await project.plan(dataset)
  const file = await open(path.join(project.folders.project, 'in.csv'), 'r+')
  await file.write('9', LONG.length - 20)
  await file.close()
  await expect(project.read(dataset, planned, 0)).rejects.toMatchObject({
    code: 'INPUT_CHANGED',
    details: { path: 'in.csv', sha256: sha256(LONG) },
  })
})

test('records added behind the planned ones are found, not passed over', async () => {
  await using project = await FilesProject.create({ 'in.csv': LONG })
  const planned = await project.plan(dataset)
  await appendFile(path.join(project.folders.project, 'in.csv'), '60000,late\n')
  await expect(project.read(dataset, planned, 0)).rejects.toMatchObject({
    code: 'INPUT_CHANGED',
    details: { path: 'in.csv', expectedBytes: LONG.length, foundBytes: LONG.length + 11 },
  })
})

test('a file that shrinks, vanishes or is replaced between plan and read is found', async () => {
  for (const change of [
    (file: string) => truncate(file, LONG.length - 1),
    (file: string) => rm(file),
    (file: string) => rename(`${file}.other`, file),
  ]) {
    await using project = await FilesProject.create({ 'in.csv': LONG, 'in.csv.other': LONG.replace('300', '301') })
    const planned = await project.plan(dataset)
    await change(path.join(project.folders.project, 'in.csv'))
    const failure = await project.read(dataset, planned, 0).catch((error: unknown) => error)
    expect(['INPUT_CHANGED', 'INPUT_MISSING']).toContain(failure instanceof BatchwrightError && failure.code)
  }
})

test('a gzip file that is damaged or replaced between plan and read is found, on a resume too', async () => {
  const packed = filesDataset(['in.csv.gz'], ab)
  const whole = gzipSync(LONG)
  const damaged = Buffer.from(whole)
  damaged.fill(0, damaged.length - 5000, damaged.length - 4000)
  const contents = [
    damaged,
    whole.subarray(0, whole.length - 4000),
    gzipSync(LONG.replace('59999', '59998')),
    gzipSync('a,b\n'),
  ]
  for (const content of contents) {
    await using project = await FilesProject.create({ 'in.csv.gz': whole })
    const planned = await project.plan(packed)
    const position = (await project.read(packed, planned, 0))[30_000]!.after
    await project.write('in.csv.gz', content)
    await expect(project.read(packed, planned, 0)).rejects.toMatchObject({ code: 'INPUT_CHANGED' })
    await expect(project.read(packed, planned, 0, { position })).rejects.toMatchObject({ code: 'INPUT_CHANGED' })
    await rm(path.join(project.folders.project, 'in.csv.gz'))
    await expect(project.read(packed, planned, 0)).rejects.toMatchObject({ code: 'INPUT_MISSING' })
  }
})

test('planning again on the same snapshot gives the same plan, later arrivals left out; other content is refused', async () => {
  await using project = await FilesProject.create({ 'in/1.csv': LONG })
  const given = filesDataset(['in/*.csv'], ab)
  const policy = { ...AUTO, by: 'bytes' as const, size: 300_000 }
  const first = await project.plan(given, policy)
  const snapshot: Snapshot = { files: first.files, digest: '' }
  await project.write('in/2.csv', 'a,b\n1,2\n')
  expect(await project.plan(given, policy, snapshot)).toEqual(first)
  await project.write('in/1.csv', `${LONG}7,8\n`)
  await expect(project.plan(given, policy, snapshot)).rejects.toMatchObject({
    code: 'INPUT_CHANGED',
    details: { path: 'in/1.csv', expected: sha256(LONG), found: sha256(`${LONG}7,8\n`) },
  })
  await rm(path.join(project.folders.project, 'in/1.csv'))
  await expect(project.plan(given, policy, snapshot)).rejects.toMatchObject({ code: 'INPUT_MISSING' })
})

test('the same bytes with another time are the same input', async () => {
  await using project = await FilesProject.create({ 'in.csv': LONG })
  const planned = await project.plan(dataset)
  await utimes(path.join(project.folders.project, 'in.csv'), 1, 1)
  expect((await project.read(dataset, planned, 0)).length).toBe(60_000)
})

test('partitions by key hold each record once, faults too, and the plan says that each reads everything', async () => {
  await using project = await FilesProject.create({ 'in.csv': `${LONG}only\n` })
  const policy = {
    by: 'keyHash' as const,
    size: null,
    count: 4,
    key: (record: object) => ('a' in record ? String(record.a) : ''),
  }
  const { planned, seen } = await project.readAll(dataset, policy)
  expect(planned.partitions.length).toBe(4)
  expect(planned.notes).toEqual(['in.csv: each of 4 partitions by key reads the whole file and keeps its share'])
  expect(seen.map(({ place }) => place.record).sort((left, right) => left - right)).toEqual(
    Array.from({ length: 60_001 }, (_, index) => index + 1),
  )
  const whole = await project.read(dataset, planned, 2, { policy })
  const position = whole[5000]!.after
  expect(await project.read(dataset, planned, 2, { policy, position })).toEqual(whole.slice(5001))
})
