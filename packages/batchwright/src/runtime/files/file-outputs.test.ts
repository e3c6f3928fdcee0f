import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { dataset, files } from '../../index.ts'
import { checkFileName, FileSink, filesOf, foldedName, partPaths, publishIntent } from '../../data/index.ts'
import { stepThatWrote } from '../../data/sinks/storage-errors.ts'
import { filesKey, type FunctionContext, type FunctionStep } from '../../job/index.ts'
import { finished, recordsStep, Room } from '../fixtures/room.ts'

const thumbs = dataset('thumbs', { location: 'out/thumbs', format: files() })

/** Text that is on its way until `release` is called. */
function slowly(text: string) {
  const gate = Promise.withResolvers<undefined>()
  async function* pieces() {
    await gate.promise
    yield text
  }
  return {
    pieces: pieces(),
    release: () => {
      gate.resolve(undefined)
    },
  }
}

function filing(run: (context: FunctionContext) => Promise<unknown>): FunctionStep {
  const {
    name,
    after,
    output,
    readInside,
    shuffles,
    named,
    publish,
    retry,
    timeoutMs,
    isolation,
    processMemory,
    services,
    lookups,
  } = recordsStep({ name: 'file', input: { from: 'step', step: 'none', output: null } })
  return {
    kind: 'function',
    ...{
      name,
      after,
      output,
      readInside,
      shuffles,
      named,
      publish,
      retry,
      timeoutMs,
      isolation,
      processMemory,
      services,
      lookups,
    },
    files: new Map([['thumbs', { dataset: thumbs }]]),
    each: null,
    stateVersion: 0,
    run,
  }
}

async function temporary(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'batchwright-files-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

test('a file that a function asks for while it saves belongs to the output, before the save or after it', async () => {
  const step = filing(async ({ files: { thumbs: writer }, ...context }) => {
    const first = slowly('first')
    const early = writer?.write('first.txt', first.pieces)
    const saving = context.save({ done: 1 })
    const second = slowly('second')
    const late = writer?.write('second.txt', second.pieces)
    first.release()
    await Promise.all([early, saving])
    second.release()
    await late
  })
  await using here = await Room.create([step])
  const output = finished(await here.attempt('file', await here.only('file')))
  const written = await filesOf(output.outputs[filesKey('thumbs')] ?? [])
  expect(written.map(({ name }) => name)).toEqual(['first.txt', 'second.txt'])
  expect(output.counters.files).toEqual({ thumbs: 2 })
})

test('a function that has returned can write no file any more', async () => {
  const contexts = Promise.withResolvers<FunctionContext>()
  const step = filing((context) => {
    contexts.resolve(context)
    return Promise.resolve(null)
  })
  await using here = await Room.create([step])
  finished(await here.attempt('file', await here.only('file')))
  const context = await contexts.promise
  await expect(context.files['thumbs']?.write('late.txt', 'late')).rejects.toMatchObject({ code: 'FILE_TOO_LATE' })
})

async function indexed() {
  const folder = await temporary()
  const sink = await FileSink.open({ folder, name: 'files-thumbs', codeVersion: 'c', resume: null })
  await sink.add([{ name: 'a.txt', ...(await sink.stage('a')) }])
  await sink.add([{ name: 'b.txt', ...(await sink.stage('b')) }])
  return { folder, parts: await sink.finish() }
}

test.each([
  ['shorter than it was', (index: string) => truncate(index, 10)],
  ['changed', async (index: string) => writeFile(index, (await readFile(index, 'utf8')).replace('b.txt', 'c.txt'))],
  ['gone', (index: string) => rm(index)],
])('an index that is %s is refused: no file is missing without a word', async (_, damage) => {
  const { parts } = await indexed()
  await damage(parts[0]?.path ?? '')
  await expect(filesOf(parts)).rejects.toMatchObject({ code: 'OUTPUT_LOST' })
})

test('a file that is gone is made anew by the step that wrote it, which the hint names', () => {
  const file = '/out/thumbs/.staging/run-1/shrink/3-f7-r1/files-thumbs/00000000'
  expect(stepThatWrote(file)).toBe('shrink')
})

test('what a failing source has written to a file is taken off the disk again', async () => {
  const folder = await temporary()
  const sink = await FileSink.open({ folder, name: 'files-thumbs', codeVersion: 'c', resume: null })
  const broken = function* () {
    yield 'half'
    throw new Error('the source broke')
  }
  await expect(sink.stage(broken())).rejects.toThrow('the source broke')
  expect(await readdir(path.join(folder, 'files-thumbs'))).toEqual([])
  await sink.abort()
})

test.each([
  ['half \ud83d a character'],
  ['nul'],
  ['2026/CON.txt'],
  ['com1.tar.gz/x'],
  ['../up'],
  ['a/../../b'],
  ['/etc/x'],
])('%j is no name of a file', (name) => {
  expect(() => checkFileName(name)).toThrow(expect.objectContaining({ code: 'FILE_NAME_INVALID' }))
})

test.each([
  ['stra\u00dfe', 'STRASSE'],
  ['\u017fum', 'Sum'],
  ['\u03c3', '\u03c2'],
])('%j and %j are one name where case is not told apart', (one, other) => {
  expect(foldedName(one)).toBe(foldedName(other))
})

test('files of one output in folders within folders are published under the longest names that are allowed', async () => {
  const folder = await temporary()
  const sink = await FileSink.open({ folder, name: 'files-thumbs', codeVersion: 'c', resume: null })
  const name = `a/b/${'x'.repeat(255)}`
  await sink.add([{ name: checkFileName(name), ...(await sink.stage('a')) }])
  const manifest = await publishIntent({
    folder: path.join(folder, 'out'),
    intent: { step: 'file', dataset: 'thumbs', window: null, number: 1 },
    format: 'files',
    parts: await filesOf(await sink.finish()),
    contractVersion: 1,
    inputs: [],
    controls: {},
    createdAt: '2026-01-01T00:00:00.000Z',
    run: { id: 'r', job: 'j', revision: 1, codeVersion: 'c' },
  })
  const [part] = partPaths(path.join(folder, 'out'), manifest)
  expect(part?.file).toBe(name)
  expect(await readFile(part?.path ?? '', 'utf8')).toBe('a')
})
