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

export function signatureOf({ files, sourceFolders, inputFolders }: Watched): string {
  const scripts = sourceFolders.flatMap((folder) => namesIn(folder).filter((name) => SCRIPT.test(name)))
  const sources = [...new Set([...files, ...scripts])].toSorted().map((file) => `${file} ${contentOf(file)}`)
  const inputs = inputFolders.flatMap((folder) => [folder, ...namesIn(folder).map((file) => `${file} ${statOf(file)}`)])
  return sha256([...sources, ...inputs].join('\n'))
}

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
    if (isGone(error)) return 'none'
    throw error
  }
}

function statOf(file: string): string {
  try {
    const { size, mtimeMs, ino } = statSync(file)
    return `${size} ${mtimeMs} ${ino}`
  } catch (error) {
    if (isGone(error)) return 'none'
    throw error
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(String(error.code))
}
