import type { Dirent } from 'node:fs'
import { readdir, rm, rmdir } from 'node:fs/promises'
import path from 'node:path'
import { stagingRoot } from './publication/layout.ts'
import { storageError, systemCode } from './sinks/storage-errors.ts'

/** Folder of a step's plan files, beside its attempts' folders. */
const PLAN = 'plan'
/** `<partition>-f<fence>`, `verify-f<fence>`: private to one attempt; `-r<sitting>` behind it where it went back to a checkpoint. */
const ATTEMPT_FOLDER = /^[^.]+-f\d+(?:-r\d+)?$/

export interface CleanRunRequest {
  readonly runId: string
  /** The run's own folder (`Folders.run`), absolute. */
  readonly runFolder: string
  /** Folders of the datasets that the run writes, absolute. */
  readonly datasetFolders: readonly string[]
  /**
   * Absolute paths that a checkpoint, a task's output or a manifest still refers to: of a run that may be resumed, all its
   * referenced parts; of a run that has succeeded, its dead letters.
   */
  readonly keep: readonly string[]
}

/** What a pass has removed. */
export interface CleanResult {
  readonly files: number
  readonly folders: number
}

/**
 * Removes what an ended run has left and nothing refers to: staged parts, blocks, spilled files, and dead letters of
 * attempts that lost. Plans stay, and everything in `keep`. Published versions are never touched. Safe to call again, and
 * after it was killed half way. Call it only when no attempt of the run is running.
 */
export async function cleanRun(request: CleanRunRequest): Promise<CleanResult> {
  const keep = new Set(request.keep.map((file) => path.resolve(file)))
  const removed = { files: 0, folders: 0 }
  for (const step of await folderNames(request.runFolder)) {
    const stepFolder = path.join(request.runFolder, step)
    for (const attempt of await folderNames(stepFolder)) {
      if (attempt === PLAN || !ATTEMPT_FOLDER.test(attempt)) continue
      await clearFolder(path.join(stepFolder, attempt), keep, removed)
    }
    await removeIfEmpty(stepFolder, removed)
  }
  for (const folder of request.datasetFolders) {
    const staged = path.join(stagingRoot(folder), request.runId)
    await clearFolder(staged, keep, removed)
    await removeIfEmpty(stagingRoot(folder), removed)
  }
  return removed
}

/**
 * Removes staged files of runs that are not alive any more: leftovers of a run whose own cleaning was cut short, or that was
 * deleted. `isAlive` is asked for every run that has staged files; while it is true they are left alone.
 */
export async function sweepStaging(
  datasetFolders: readonly string[],
  isAlive: (runId: string) => Promise<boolean>,
): Promise<CleanResult> {
  const removed = { files: 0, folders: 0 }
  for (const folder of datasetFolders) {
    for (const runId of await folderNames(stagingRoot(folder))) {
      if (await isAlive(runId)) continue
      await clearFolder(path.join(stagingRoot(folder), runId), new Set(), removed)
    }
    await removeIfEmpty(stagingRoot(folder), removed)
  }
  return removed
}

export type Removed = { -readonly [Key in keyof CleanResult]: CleanResult[Key] }

/** Removes all files under a folder but those to be kept, and the folders that are empty then. */
export async function clearFolder(folder: string, keep: ReadonlySet<string>, removed: Removed): Promise<void> {
  for (const entry of await entries(folder)) {
    const entryPath = path.join(folder, entry.name)
    if (entry.isDirectory()) {
      await clearFolder(entryPath, keep, removed)
    } else if (!keep.has(entryPath)) {
      await removeFile(entryPath)
      removed.files += 1
    }
  }
  await removeIfEmpty(folder, removed)
}

async function removeFile(file: string): Promise<void> {
  try {
    await rm(file, { force: true })
  } catch (thrown) {
    throw storageError(thrown, file)
  }
}

async function removeIfEmpty(folder: string, removed: Removed): Promise<void> {
  try {
    await rmdir(folder)
    removed.folders += 1
  } catch (thrown) {
    const code = systemCode(thrown)
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOENT' && code !== 'ENOTDIR')
      throw storageError(thrown, folder)
  }
}

async function folderNames(folder: string): Promise<readonly string[]> {
  return (await entries(folder))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted()
}

async function entries(folder: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT' || systemCode(thrown) === 'ENOTDIR') return []
    throw thrown
  }
}
