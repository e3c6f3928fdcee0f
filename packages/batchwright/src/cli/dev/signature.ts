/** What files are at this moment, so that a change can be told from a save of the same, or of something else. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { sha256 } from '../../kernel/digest.ts'

/** What a look at the jobs depends on. Absolute paths. */
export interface Watched {
  /** By content: sources, settings. */
  readonly files: readonly string[]
  /** Folders whose scripts count too, by content: where a build has failed, nobody knows which file it lacks. */
  readonly sourceFolders: readonly string[]
  /** By the names, sizes and times of their files. */
  readonly inputFolders: readonly string[]
}

const SCRIPT = /\.(?:[cm]?[jt]s|json|sql)$/

/** What each file was, by its path. */
export type FilesState = ReadonlyMap<string, string>

export function stateOf({ files, sourceFolders, inputFolders }: Watched): FilesState {
  const scripts = sourceFolders.flatMap((folder) => namesIn(folder).filter((name) => SCRIPT.test(name)))
  const inputs = inputFolders.flatMap((folder) => [[folder, 'folder'], ...namesIn(folder).map(statOf)] as const)
  const sources = [...files, ...scripts].map((file) => [file, contentOf(file)] as const)
  return new Map([...inputs, ...sources])
}

export function sameState(left: FilesState, right: FilesState): boolean {
  return left.size === right.size && [...left].every(([file, state]) => right.get(file) === state)
}

/**
 * What files that are known by now were when one began to look: as they are now where they were not known then. A file that is
 * new in a folder that was known was not there.
 */
export function stateAtStart(now: FilesState, start: FilesState): FilesState {
  return new Map(
    [...now].map(([file, state]) => [file, start.get(file) ?? (start.has(path.dirname(file)) ? GONE : state)]),
  )
}

const GONE = 'none'

/** The folders to be watched for changes of all of it. */
export function foldersOf({ files, sourceFolders, inputFolders }: Watched): readonly string[] {
  return [...new Set([...files.map((file) => path.dirname(file)), ...sourceFolders, ...inputFolders])]
}

/** Files of a folder, without hidden ones and without what editors leave beside a file while they save it. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => !name.startsWith('.') && !name.endsWith('~'))
      .map((name) => path.join(folder, name))
  } catch (error) {
    if (isGone(error)) return []
    throw error
  }
}

function contentOf(file: string): string {
  try {
    return sha256(readFileSync(file))
  } catch (error) {
    if (isGone(error)) return GONE
    throw error
  }
}

function statOf(file: string): readonly [string, string] {
  try {
    const { size, mtimeMs, ino } = statSync(file)
    return [file, `${size} ${mtimeMs} ${ino}`]
  } catch (error) {
    if (isGone(error)) return [file, GONE]
    throw error
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(String(error.code))
}
