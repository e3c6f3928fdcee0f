import { readdir } from 'node:fs/promises'
import path from 'node:path'
import type { CleanResult } from './cleaner.ts'
import { clearFolder } from './cleaner.ts'
import { stagingRoot } from './publication/layout.ts'
import { systemCode } from './sinks/storage-errors.ts'

/** The folder of one attempt, as runtime/folders.ts names it. */
const ATTEMPT_FOLDER = /^(\d+)-f(\d+)(?:-r\d+)?$/

/** Which attempt a folder belongs to. */
export interface AttemptPlace {
  readonly step: string
  readonly index: number
  readonly fence: number
}

export interface AbandonedRequest {
  readonly runId: string
  /** The run's own folder (`Folders.run`), absolute. */
  readonly runFolder: string
  /** Folders of the datasets that the run writes, absolute. */
  readonly datasetFolders: readonly string[]
  readonly isUnderWay: (attempt: AttemptPlace) => boolean
}

/**
 * Folders of attempts that have lost their task to a later one, of a run that goes on: what a dead worker has left. Parts in
 * them may still be referred to: look twice, and give `removeAbandoned` what is to be kept.
 */
export async function findAbandoned(request: AbandonedRequest): Promise<readonly string[]> {
  const roots = [
    request.runFolder,
    ...request.datasetFolders.map((folder) => path.join(stagingRoot(folder), request.runId)),
  ]
  const found: string[] = []
  for (const root of roots) {
    for (const step of await folderNames(root)) found.push(...(await overtaken(path.join(root, step), step, request)))
  }
  return found
}

/** Removes the files of such folders but for those in `keep` (absolute paths). Safe to call again. */
export async function removeAbandoned(folders: readonly string[], keep: readonly string[]): Promise<CleanResult> {
  const kept = new Set(keep.map((file) => path.resolve(file)))
  const removed = { files: 0, folders: 0 }
  for (const folder of folders) await clearFolder(folder, kept, removed)
  return removed
}

/** Of the attempts at one partition all but the newest, and none that is under way. */
async function overtaken(folder: string, step: string, { isUnderWay }: AbandonedRequest): Promise<readonly string[]> {
  const attempts = (await folderNames(folder)).flatMap((name) => {
    const [, index, fence] = ATTEMPT_FOLDER.exec(name) ?? []
    return index === undefined || fence === undefined ? [] : [{ name, index: Number(index), fence: Number(fence) }]
  })
  const newest = new Map<number, number>()
  for (const { index, fence } of attempts) newest.set(index, Math.max(fence, newest.get(index) ?? 0))
  return attempts
    .filter(({ index, fence }) => fence < (newest.get(index) ?? 0) && !isUnderWay({ step, index, fence }))
    .map(({ name }) => path.join(folder, name))
}

async function folderNames(folder: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT' || systemCode(thrown) === 'ENOTDIR') return []
    throw thrown
  }
}
