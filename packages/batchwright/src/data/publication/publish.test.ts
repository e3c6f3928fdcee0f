import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../kernel/clock.ts'
import { armFailPoint, type FailPoint } from '../../kernel/failpoint.ts'
import type { Part } from '../../protocol/index.ts'
import { currentManifest, listManifests, listWindows, partPaths } from './manifest.ts'
import type { PublisherWork } from './publisher.child.ts'
import { publishIntent, rollbackManifest, type PublishRequest } from './publish.ts'

const CHILD = fileURLToPath(new URL('./publisher.child.ts', import.meta.url))

let root = ''
let staged = 0
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'batchwright-publish-'))
})
afterEach(() => {
  rmSync(root, { recursive: true })
})

function stage(text: string): Part {
  staged += 1
  const folder = path.join(root, 'invoices', '.staging', `run-${staged}`)
  mkdirSync(folder, { recursive: true })
  const file = path.join(folder, 'main-00000.jsonl')
  writeFileSync(file, text)
  return {
    path: file,
    format: 'jsonl',
    bytes: Buffer.byteLength(text),
    records: text.split('\n').length - 1,
    sha256: createHash('sha256').update(text).digest('hex'),
    codeVersion: 'code',
  }
}

function request(number: number, parts: readonly Part[], runId = 'run'): PublishRequest {
  return {
    folder: path.join(root, 'invoices'),
    intent: {
      dataset: 'invoices',
      window: {
        kind: 'month',
        key: '2011-01',
        start: '2011-01-01T00:00:00Z',
        end: '2011-02-01T00:00:00Z',
        timezone: 'Europe/London',
      },
      number,
      step: 'invoice',
    },
    parts,
    format: 'jsonl',
    contractVersion: 1,
    run: { id: runId, job: 'billing', revision: 1, codeVersion: 'code' },
    inputs: [{ step: 'rate', digest: 'abc' }],
    controls: { amount: '12.500' },
    createdAt: '2011-02-01T00:00:00Z',
  }
}

async function visible(): Promise<string> {
  const manifest = await currentManifest(path.join(root, 'invoices'), '2011-01')
  if (manifest === null) return 'nothing'
  return partPaths(path.join(root, 'invoices'), manifest)
    .map((part) => readFileSync(part.path, 'utf8'))
    .join('')
}

function inChild(work: Partial<PublisherWork>, failPoints = ''): Promise<{ output: string; signal: string | null }> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['--conditions=batchwright-source', CHILD, JSON.stringify({ startAt: null, pause: null, ...work })],
      { env: { ...process.env, BATCHWRIGHT_FAIL_POINTS: failPoints }, stdio: ['ignore', 'pipe', 'inherit'] },
    )
    let output = ''
    child.stdout.on('data', (data: Buffer) => (output += data.toString()))
    child.on('error', reject)
    child.on('close', (_, signal) => {
      resolve({ output, signal })
    })
  })
}

function leftovers(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.tmp'))
}

describe('publishing', () => {
  test('shows all parts of a version at once, in order, with what they are', async () => {
    expect(await visible()).toBe('nothing')
    const manifest = await publishIntent(request(1, [stage('{"a":1}\n'), stage('{"a":2}\n{"a":3}\n')]))
    expect(await visible()).toBe('{"a":1}\n{"a":2}\n{"a":3}\n')
    expect(manifest).toMatchObject({ number: 1, records: 3, bytes: 24, folder: 'v000001', rollbackTo: null })
    expect(manifest.parts.map((part) => part.file)).toEqual(['part-00000.jsonl', 'part-00001.jsonl'])
    expect(await listWindows(path.join(root, 'invoices'))).toEqual(['2011-01'])
    expect(await currentManifest(path.join(root, 'invoices'), '2011-01')).toEqual(manifest)
  })

  test('the same content again is done already, even when the staged parts are gone', async () => {
    const wanted = request(1, [stage('{"a":1}\n')])
    const first = await publishIntent(wanted)
    rmSync(path.join(root, 'invoices', '.staging'), { recursive: true })
    expect(await publishIntent(wanted)).toEqual(first)
    expect(await listManifests(path.join(root, 'invoices'), '2011-01')).toHaveLength(1)
  })

  test('other content under a number that is taken is refused, and the first stays', async () => {
    await publishIntent(request(1, [stage('{"a":1}\n')]))
    const other = publishIntent(request(1, [stage('{"a":2}\n')], 'other'))
    await expect(other).rejects.toThrow(expect.objectContaining({ code: 'PUBLICATION_CONFLICT' }))
    expect(await visible()).toBe('{"a":1}\n')
  })

  test('a staged part that was cut short is never shown, and can be published once it is made again', async () => {
    const part = stage('{"a":1}\n')
    writeFileSync(part.path, '{"a"')
    // Publishing again would find the same: what helps is to run the step again.
    const lost = { code: 'OUTPUT_LOST', retryable: false, hint: expect.stringContaining('--from STEP') as string }
    await expect(publishIntent(request(1, [part]))).rejects.toThrow(expect.objectContaining(lost))
    expect(await visible()).toBe('nothing')
    await publishIntent(request(1, [stage('{"a":1}\n')]))
    expect(await visible()).toBe('{"a":1}\n')
  })

  test('a lost staged part says so', async () => {
    const part = stage('{"a":1}\n')
    rmSync(part.path)
    await expect(publishIntent(request(1, [part]))).rejects.toThrow(expect.objectContaining({ code: 'OUTPUT_LOST' }))
  })

  test('parts that an unfinished publication left under the number are not touched: ours get a folder of their own', async () => {
    const disarm = armFailPoint('publish.linked', 1, () => {
      throw new Error('stopped')
    })
    await expect(publishIntent(request(1, [stage('{"a":1}\n')]))).rejects.toThrow('stopped')
    disarm()
    const manifest = await publishIntent(request(1, [stage('{"a":2}\n')]))
    expect(manifest.folder).toMatch(/^v000001-[0-9a-f]{12}$/)
    expect(await visible()).toBe('{"a":2}\n')
  })

  test('a version without a record is a version', async () => {
    await publishIntent(request(1, [stage('{"a":1}\n')]))
    await publishIntent(request(2, []))
    expect(await visible()).toBe('')
  })
})

describe('killed', () => {
  const points: FailPoint[] = ['publish.started', 'publish.linked', 'publish.manifest-created']
  test.each(points)('at %s, a publication is whole or not there, and is replayed to its end', async (point) => {
    await publishIntent(request(1, [stage('{"old":1}\n')]))
    const wanted = request(2, [stage('{"a":1}\n'), stage('{"a":2}\n')])
    const { signal } = await inChild({ publish: wanted }, `${point}@1=kill`)
    expect(signal).toBe('SIGKILL')
    expect(await visible()).toBe(point === 'publish.manifest-created' ? '{"a":1}\n{"a":2}\n' : '{"old":1}\n')
    expect((await inChild({ publish: wanted })).output).toBe('published 2')
    expect(await visible()).toBe('{"a":1}\n{"a":2}\n')
    expect(leftovers(root)).toEqual([])
  })
})

describe('races between processes', () => {
  test('of many publishers of one number with different content, exactly one wins and is shown whole', async () => {
    const startAt = path.join(root, 'start')
    const racers = Array.from({ length: 6 }, (_, index) =>
      inChild({ publish: request(1, [stage(`{"racer":${index}}\n`)], `run-${index}`), startAt }),
    )
    writeFileSync(startAt, '')
    const outputs = (await Promise.all(racers)).map(({ output }) => output)
    const winners = outputs.flatMap((output, index) => (output === 'published 1' ? [index] : []))
    expect(winners).toHaveLength(1)
    expect(outputs.filter((output) => output === 'PUBLICATION_CONFLICT')).toHaveLength(5)
    expect(await visible()).toBe(`{"racer":${winners[0]}}\n`)
    expect(leftovers(root)).toEqual([])
  })

  test('of many publishers of the same intent, all succeed and one version is there', async () => {
    const startAt = path.join(root, 'start')
    const wanted = request(1, [stage('{"a":1}\n')])
    const racers = Array.from({ length: 6 }, () => inChild({ publish: wanted, startAt }))
    writeFileSync(startAt, '')
    expect((await Promise.all(racers)).map(({ output }) => output)).toEqual(Array(6).fill('published 1'))
    expect(await listManifests(path.join(root, 'invoices'), '2011-01')).toHaveLength(1)
    expect(leftovers(root)).toEqual([])
  })

  test('a publisher that was paused before its manifest cannot replace one of its number that came meanwhile', async () => {
    const pause = { reached: path.join(root, 'reached'), resume: path.join(root, 'resume') }
    const paused = inChild({ publish: request(1, [stage('{"v":"paused"}\n')], 'paused'), pause })
    while (!existsSync(pause.reached)) await systemClock.sleep(1)
    await publishIntent(request(1, [stage('{"v":"first"}\n')]))
    writeFileSync(pause.resume, '')
    expect((await paused).output).toBe('PUBLICATION_CONFLICT')
    expect(await visible()).toBe('{"v":"first"}\n')
    expect(leftovers(root)).toEqual([])
  })

  test('a publisher that was paused cannot hide a newer version or a rollback', async () => {
    const folder = path.join(root, 'invoices')
    await publishIntent(request(1, [stage('{"v":1}\n')]))
    const pause = { reached: path.join(root, 'reached'), resume: path.join(root, 'resume') }
    const paused = inChild({ publish: request(2, [stage('{"v":2}\n')]), pause })
    while (!existsSync(pause.reached)) await systemClock.sleep(1)
    await publishIntent(request(3, [stage('{"v":3}\n')]))
    await rollbackManifest({ folder, windowKey: '2011-01', number: 4, toNumber: 1, createdAt: '2011-03-01T00:00:00Z' })
    writeFileSync(pause.resume, '')
    expect((await paused).output).toBe('published 2')
    expect(await visible()).toBe('{"v":1}\n')
    expect((await listManifests(folder, '2011-01')).map((manifest) => manifest.number)).toEqual([1, 2, 3, 4])
  })
})

describe('a rollback', () => {
  test('is a new number that shows the old parts; a reader that resolved the other one keeps it', async () => {
    const folder = path.join(root, 'invoices')
    await publishIntent(request(1, [stage('{"v":1}\n')]))
    const second = await publishIntent(request(2, [stage('{"v":2}\n')]))
    const rollback = { folder, windowKey: '2011-01', number: 3, toNumber: 1, createdAt: '2011-03-01T00:00:00Z' }
    const third = await rollbackManifest(rollback)
    expect(third).toMatchObject({ number: 3, folder: 'v000001', rollbackTo: 1 })
    expect(await visible()).toBe('{"v":1}\n')
    expect(partPaths(folder, second).map((part) => readFileSync(part.path, 'utf8'))).toEqual(['{"v":2}\n'])
    expect(await rollbackManifest(rollback)).toEqual(third)
  })

  test('to a version that is not there lists those that are; to a damaged one is refused', async () => {
    const folder = path.join(root, 'invoices')
    const first = await publishIntent(request(1, [stage('{"v":1}\n')]))
    const to = (toNumber: number): Promise<unknown> =>
      rollbackManifest({ folder, windowKey: '2011-01', number: 2, toNumber, createdAt: '2011-03-01T00:00:00Z' })
    await expect(to(7)).rejects.toThrow(
      expect.objectContaining({ code: 'VERSION_NOT_FOUND', details: { number: 7, versions: [1] } }),
    )
    writeFileSync(partPaths(folder, first)[0]?.path ?? '', '{"v":0}\n')
    await expect(to(1)).rejects.toThrow(expect.objectContaining({ code: 'CHECKSUM_MISMATCH' }))
  })
})
