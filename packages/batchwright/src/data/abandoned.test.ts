import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findAbandoned, removeAbandoned } from './abandoned.ts'
import { stagingFolder } from './publication/layout.ts'

let root: string

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'batchwright-abandoned-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

/** Parts that attempts at the first two partitions of a step have left, by fence. */
async function attemptsOf(fences: Readonly<Record<number, readonly number[]>>): Promise<readonly string[]> {
  const parts: string[] = []
  for (const [index, each] of Object.entries(fences)) {
    for (const fence of each) {
      const place = { runId: 'run-1', step: 'rate', index: Number(index), fence }
      for (const folder of [
        stagingFolder(path.join(root, 'out'), place),
        path.join(root, 'run', 'rate', `${index}-f${fence}`),
      ]) {
        await mkdir(folder, { recursive: true })
        await writeFile(path.join(folder, 'part'), 'x')
        parts.push(path.join(folder, 'part'))
      }
    }
  }
  return parts
}

function find(underWay: readonly number[]): Promise<readonly string[]> {
  return findAbandoned({
    runId: 'run-1',
    runFolder: path.join(root, 'run'),
    datasetFolders: [path.join(root, 'out')],
    isUnderWay: ({ fence }) => underWay.includes(fence),
  })
}

test('attempts that a later one has overtaken are abandoned; the newest and those under way are not', async () => {
  await attemptsOf({ 0: [1, 2, 7], 1: [3] })
  const found = await find([2, 7])
  expect(found.map((folder) => path.basename(folder))).toEqual(['0-f1', '0-f1'])
})

test('what a checkpoint refers to stays, and the folder with it; the rest goes', async () => {
  const [adopted = '', lost = ''] = await attemptsOf({ 0: [1, 2] })
  const found = await find([2])
  expect(await removeAbandoned(found, [adopted])).toEqual({ files: 1, folders: 1 })
  expect(existsSync(adopted)).toBe(true)
  expect(existsSync(path.dirname(lost))).toBe(false)
  expect(await removeAbandoned(found, [adopted])).toEqual({ files: 0, folders: 0 })
})

test('a run that has staged nothing has nothing abandoned', async () => {
  expect(await find([])).toEqual([])
})
