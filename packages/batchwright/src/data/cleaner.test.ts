import { existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { cleanRun, sweepStaging } from './cleaner.ts'

let root = ''
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'batchwright-cleaner-'))
})
afterEach(() => {
  rmSync(root, { recursive: true })
})

function put(...names: string[]): string {
  const file = path.join(root, ...names)
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, names.join('/'))
  return file
}

function files(): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .toSorted()
}

test('after a run that succeeded only its dead letters, plans and published versions are left', async () => {
  const dead = put('runs/r1', 'rate', '0-f3', 'dead-00000.jsonl')
  put('runs/r1', 'rate', '0-f1', 'dead-00000.jsonl')
  put('runs/r1', 'rate', '0-f3', 'shuffle-invoice-00000.blocks')
  put('runs/r1', 'rate', '0-f3-r1', 'dead-00000.jsonl')
  put('runs/r1', 'rate', '0-f3-r1001', 'keyed-00000.log')
  put('runs/r1', 'rate', 'verify-f9', 'keys-0.jsonl')
  put('runs/r1', 'rate', 'plan', 'index.json')
  put('runs/r1', 'invoice', '0-f5', 'spill', 'run-0.tmp')
  put('runs/r1', 'log.jsonl')
  const staged = put('out', '.staging', 'r1', 'invoice', '0-f5', 'main-00000.jsonl')
  put('out', '.staging', 'r1', 'invoice', '0-f4', 'main-00000.jsonl')
  put('out', '.staging', 'r2', 'invoice', '0-f4', 'main-00000.jsonl')
  put('out', '2011-01', 'manifests', '000001.json')
  const published = path.join(root, 'out', '2011-01', 'v000001', 'part-00000.jsonl')
  mkdirSync(path.dirname(published))
  linkSync(staged, published)
  const request = {
    runId: 'r1',
    runFolder: path.join(root, 'runs/r1'),
    datasetFolders: [path.join(root, 'out')],
    keep: [dead],
  }
  expect(await cleanRun(request)).toMatchObject({ files: 8 })
  expect(files()).toEqual([
    'out/.staging/r2/invoice/0-f4/main-00000.jsonl',
    'out/2011-01/manifests/000001.json',
    'out/2011-01/v000001/part-00000.jsonl',
    'runs/r1/log.jsonl',
    'runs/r1/rate/0-f3/dead-00000.jsonl',
    'runs/r1/rate/plan/index.json',
  ])
  expect(readFileSync(published, 'utf8')).toBe('out/.staging/r1/invoice/0-f5/main-00000.jsonl')
  expect(existsSync(path.join(root, 'runs/r1/invoice'))).toBe(false)
  expect(await cleanRun(request)).toEqual({ files: 0, folders: 0 })
})

test('of a run that may be resumed everything that is referred to stays', async () => {
  const blocks = put('runs/r1', 'rate', '0-f3', 'main-00000.blocks')
  const staged = put('out', '.staging', 'r1', 'rate', '0-f3', 'main-00001.csv')
  put('out', '.staging', 'r1', 'rate', '0-f1', 'main-00000.csv')
  await cleanRun({
    runId: 'r1',
    runFolder: path.join(root, 'runs/r1'),
    datasetFolders: [path.join(root, 'out')],
    keep: [blocks, staged],
  })
  expect(files()).toEqual(['out/.staging/r1/rate/0-f3/main-00001.csv', 'runs/r1/rate/0-f3/main-00000.blocks'])
})

test('leftovers of runs that are gone are swept, those of living runs are not', async () => {
  put('out', '.staging', 'gone', 'rate', '0-f1', 'main-00000.csv')
  put('out', '.staging', 'alive', 'rate', '0-f1', 'main-00000.csv')
  put('out', 'all', 'manifests', '000001.json')
  const removed = await sweepStaging([path.join(root, 'out'), path.join(root, 'none')], (runId) =>
    Promise.resolve(runId === 'alive'),
  )
  expect(removed.files).toBe(1)
  expect(files()).toEqual(['out/.staging/alive/rate/0-f1/main-00000.csv', 'out/all/manifests/000001.json'])
  await sweepStaging([path.join(root, 'out')], () => Promise.resolve(false))
  expect(readdirSync(path.join(root, 'out'))).toEqual(['all'])
})
