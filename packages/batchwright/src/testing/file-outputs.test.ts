import { beforeAll, describe, expect, test } from 'vitest'
import { contract, dataset, drop, field, files, job, jsonl, record, reject, type FileWriter } from '../index.ts'
import { restartAtEveryCommit, runInMemory, type InMemoryResult, type RestartReport } from './index.ts'

const photo = record({ id: field.integer(), text: field.text() })
const thumb = record({ id: field.integer(), file: field.text(), bytes: field.integer() })
const photos = dataset('photos', { files: 'photos', format: jsonl(), contract: contract(1, photo) })
const rows = dataset('rows', { location: 'out/rows', format: jsonl(), contract: contract(1, thumb) })
const thumbs = dataset('thumbs', { location: 'out/thumbs', format: files() })
const archives = dataset('archives', { location: 'out/archives', format: files() })

let failing = new Set<number>()

/** Each call fails at first for every fifth photo, after it has written a file. */
function failsOnce(id: number): boolean {
  if (id % 5 !== 0 || failing.has(id)) return false
  failing.add(id)
  return true
}

const shrinking = job('shrinking', {}, (steps) => {
  const shrunk = steps
    .records('shrink')
    .read(photos)
    .files({ thumbs })
    .process(async (each, context) => {
      const name = `${each.id % 3}/${each.id}.txt`
      if (failsOnce(each.id)) {
        await context.files.thumbs.write(`lost/${each.id}`, 'of a call that failed')
        throw new Error('for a moment')
      }
      const { bytes } = await context.files.thumbs.write(
        name,
        each.id % 2 === 0 ? [each.text, Buffer.from('!')] : each.text,
      )
      if (each.id % 7 === 1) return reject('ugly')
      return each.id % 7 === 2 ? drop() : { id: each.id, file: name, bytes }
    })
    .retry({ attempts: 3, backoff: { first: '1ms' }, errors: ['*'] })
    .write(rows)
  steps
    .function('archive', { files: { archives } }, async ({ files: { archives: to }, progress, save }) => {
      for (let part = typeof progress === 'number' ? progress : 0; part < 4; part += 1) {
        await to.write(`part-${part}.bin`, Buffer.alloc(10, part))
        await save(part + 1)
      }
      await to.write('README', 'four parts')
      return 'done'
    })
    .after(shrunk)
})

const input = { photos: Array.from({ length: 60 }, (_, id) => ({ id, text: `photo ${id}` })) }
const kept = input.photos.filter(({ id }) => id % 7 !== 1 && id % 7 !== 2)

describe('a step that writes files', () => {
  let report: RestartReport
  let result: InMemoryResult

  beforeAll(async () => {
    failing = new Set()
    report = await restartAtEveryCommit(shrinking, { step: 'shrink', inputs: input })
    result = report.undisturbed
  })

  test('killed at every commit, it publishes the same files under the same names', () => {
    expect(report.commits).toBeGreaterThan(4)
  })

  test('publishes the files of written records alone, by name, with size and digest; rows name them', () => {
    const published = result.files['thumbs'] ?? {}
    expect(Object.keys(published)).toEqual(kept.map(({ id }) => `${id % 3}/${id}.txt`).sort())
    for (const { id, text } of kept) {
      expect(Buffer.from(published[`${id % 3}/${id}.txt`] ?? []).toString()).toBe(id % 2 === 0 ? `${text}!` : text)
    }
    expect(result.outputs['rows']).toEqual(
      kept.map(({ id }) => ({ id, file: `${id % 3}/${id}.txt`, bytes: published[`${id % 3}/${id}.txt`]?.length })),
    )
    expect(result.outputs['thumbs']?.[0]).toMatchObject({
      file: '0/0.txt',
      bytes: 8,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    })
  })

  test('counts files beside records, and reconciles', () => {
    expect(result.counters['shrink']).toMatchObject({ read: 60, written: kept.length, files: { thumbs: kept.length } })
    const bytes = Object.values(result.files['thumbs'] ?? {}).reduce((sum, file) => sum + file.length, 0)
    expect(result.counters['shrink']?.bytesWritten).toBeGreaterThan(bytes)
    expect(result.counters['archive']?.bytesWritten).toBe(4 * 10 + 'four parts'.length)
  })

  test('of a function step, those before a save last with it', async () => {
    expect(result.counters['archive']).toMatchObject({ files: { archives: 5 } })
    failing = new Set()
    const restarted = await restartAtEveryCommit(shrinking, { step: 'archive', inputs: { photos: [] } })
    expect(restarted.commits).toBe(4)
    expect(Object.keys(restarted.undisturbed.files['archives'] ?? {})).toEqual([
      'README',
      'part-0.bin',
      'part-1.bin',
      'part-2.bin',
      'part-3.bin',
    ])
  })
})

/** A job whose step writes what a test says, one record a partition. */
function writing(write: (thumbs: FileWriter, id: number) => unknown) {
  return job('writing', {}, (steps) => {
    steps
      .records('write')
      .read(photos)
      .files({ thumbs })
      .process(async (each, context) => {
        await write(context.files.thumbs, each.id)
        return each
      })
      .partition('rows', { size: 1 })
      .retry({ attempts: 1 })
  })
}

const two = { photos: input.photos.slice(0, 2) }

test.each([
  ['the same name', ['a.png', 'a.png'], '"a.png" twice'],
  ['names that differ in case alone', ['a/B.png', 'a/b.png'], '"a/b.png" and "a/B.png"'],
  ['a file and a folder of one name', ['a', 'a/b'], '"a/b" and "a"'],
  ['a folder and a file of one name', ['a/b', 'A'], '"A" and "a/b"'],
])('%s in two partitions: nothing is published, whichever came first', async (_, names, said) => {
  const clashing = writing((to, id) => to.write(names[id] ?? '', 'x'))
  for (const slots of [1, 2]) {
    const { run, files: published } = await runInMemory(clashing, { inputs: two, slots })
    expect(run).toMatchObject({ state: 'failed', failure: { code: 'VERIFICATION_FAILED' } })
    expect(run.failure?.message).toContain(said)
    expect(published['thumbs']).toEqual({})
  }
})

test.each([
  '',
  '/etc/passwd',
  '../up',
  'a/../../b',
  './a',
  'a//b',
  'a/',
  'C:\\a',
  'a\\b',
  '.hidden',
  'a/.git/b',
  'nul\u0000',
  'tab\t',
  'dot.',
  'e\u0301',
  'x'.repeat(256),
  `${'long/'.repeat(250)}a`,
  'a?b',
  17 as unknown as string,
])('a name that could lead elsewhere, or that some system would not take, is refused: %j', async (name) => {
  const { run } = await runInMemory(
    writing((to) => to.write(name, 'x')),
    { inputs: { photos: input.photos.slice(0, 1) } },
  )
  expect(run).toMatchObject({ state: 'failed', failure: { code: 'RECORD_FAILED' } })
  expect(run.failure?.message).toContain('name of a file inside its dataset')
})

test('a write that nobody awaits is awaited; the same name twice in one call, and a failing stream, fail the record', async () => {
  const unawaited = writing((to) => {
    void to.write('a.txt', 'late')
  })
  const one = { inputs: { photos: input.photos.slice(0, 1) } }
  expect(Object.keys((await runInMemory(unawaited, one)).files['thumbs'] ?? {})).toEqual(['a.txt'])
  const twice = await runInMemory(
    writing((to) => Promise.all([to.write('a', 'x'), to.write('a', 'y')])),
    one,
  )
  expect(twice.run.failure?.message).toContain('a file of this name already')
  async function* torn(): AsyncGenerator<string> {
    yield await Promise.resolve('half')
    throw new Error('the stream broke')
  }
  const broken = await runInMemory(
    writing((to) => to.write('a', torn())),
    one,
  )
  expect(broken.run.failure?.message).toContain('the stream broke')
})
