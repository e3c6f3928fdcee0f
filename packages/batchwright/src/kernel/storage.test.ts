import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeFolders } from './storage.ts'

let root: string

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'folders-'))
})

afterAll(async () => {
  await rm(root, { recursive: true, force: true })
})

test('folders are made with those above them, and the uppermost that was new is named', async () => {
  expect(await makeFolders(path.join(root, 'a/b/c'))).toBe(path.join(root, 'a'))
  expect(await makeFolders(path.join(root, 'a/b/c'))).toBeUndefined()
  expect(await makeFolders(path.join(root, 'a/b/d'))).toBe(path.join(root, 'a/b/d'))
})

test('several that make the same folders at once all succeed', async () => {
  const deep = path.join(root, 'race/to/the/bottom')
  await Promise.all(Array.from({ length: 20 }, () => makeFolders(deep)))
  expect(await makeFolders(deep)).toBeUndefined()
})

test('what stands in the way is said as the system says it', async () => {
  await writeFile(path.join(root, 'file'), '')
  await expect(makeFolders(path.join(root, 'file'))).rejects.toMatchObject({ code: 'EEXIST' })
  await expect(makeFolders(path.join(root, 'file/below'))).rejects.toMatchObject({ code: 'ENOTDIR' })
})
