/** Puts the files of a new project into a folder, and never over one that is there. */
import { readdirSync, readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'
import { makeFolders, storageError, systemCode } from '../../kernel/storage.ts'
import { usageError } from '../failure.ts'
import { completePackage, isCommonJs } from './package-json.ts'
import type { PackageWishes } from './package-json.ts'
import type { NewFile } from './templates.ts'

/** A file that is there already is kept, and the project works with it, or can be made to with a few lines. */
const KEPT_WHERE_THERE = ['README.md', 'tsconfig.json', 'batchwright.config.json', '.github/workflows/ci.yml']

export interface Placing {
  /** To be made. */
  readonly made: readonly NewFile[]
  /** There already, with the same content. */
  readonly same: readonly string[]
  /** There already, with another content, and left as they are. */
  readonly kept: readonly string[]
  /** To be completed: the new text, and what is new in it. */
  readonly completed: readonly CompletedFile[]
  /** Scripts that package.json has already: by name, what ours would have been. */
  readonly keptScripts: Readonly<Record<string, string>>
}

export interface CompletedFile {
  readonly path: string
  /** What was there; null where it is new. */
  readonly before: string | null
  readonly text: string
  readonly changes: readonly string[]
}

/** What would be done in a folder. Writes nothing. Throws INIT_FILES_EXIST, INIT_PACKAGE_INVALID, INIT_COMMONJS. */
export function planPlacing(folder: string, files: readonly NewFile[], wishes: PackageWishes): Placing {
  const [made, same, kept, taken]: [NewFile[], string[], string[], string[]] = [[], [], [], []]
  const completed: CompletedFile[] = []
  for (const file of files) {
    const there = contentOf(path.join(folder, file.path))
    if (file.path === '.gitignore') completed.push(...completedIgnore(file, there))
    else if (there === null) made.push(file)
    else if (there.equals(file.content)) same.push(file.path)
    else if (KEPT_WHERE_THERE.includes(file.path)) kept.push(file.path)
    else taken.push(file.path)
  }
  if (taken.length > 0) throw filesExist(folder, taken)
  const { file, keptScripts } = completedPackageFile(folder, wishes)
  return { made, same, kept, completed: file === null ? completed : [...completed, file], keptScripts }
}

/** Does what was planned. A file that somebody else has made meanwhile is left: INIT_FILES_EXIST. */
export async function place(folder: string, placing: Placing): Promise<void> {
  for (const { path: file, content } of placing.made) await writeNew(folder, file, content)
  for (const { path: file, before, text } of placing.completed) {
    if (before === null) await writeNew(folder, file, Buffer.from(text))
    else await writeOver(path.join(folder, file), text)
  }
}

async function writeNew(folder: string, file: string, content: Uint8Array): Promise<void> {
  const target = path.join(folder, file)
  try {
    await makeFolders(path.dirname(target))
    const handle = await open(target, 'wx')
    await handle.writeFile(content)
    await handle.close()
  } catch (thrown) {
    throw systemCode(thrown) === 'EEXIST' ? filesExist(folder, [file]) : storageError(thrown, target)
  }
}

async function writeOver(target: string, text: string): Promise<void> {
  try {
    const handle = await open(target, 'w')
    await handle.writeFile(text)
    await handle.close()
  } catch (thrown) {
    throw storageError(thrown, target)
  }
}

function contentOf(file: string): Buffer | null {
  try {
    return readFileSync(file)
  } catch (thrown) {
    const code = systemCode(thrown)
    if (code === 'ENOENT') return null
    throw storageError(thrown, file)
  }
}

/** A .gitignore that is there gets the lines that it lacks. */
function completedIgnore(file: NewFile, there: Buffer | null): readonly CompletedFile[] {
  const wanted = Buffer.from(file.content).toString()
  if (there === null) return [{ path: file.path, before: null, text: wanted, changes: [] }]
  const before = there.toString()
  const lines = new Set(before.split(/\r?\n/).map((line) => line.trim().replace(/^\//, '').replace(/\/$/, '')))
  const missing = wanted
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !lines.has(line.replace(/\/$/, '')))
  if (missing.length === 0) return []
  const joint = before === '' || before.endsWith('\n') ? '' : '\n'
  return [{ path: file.path, before, text: `${before}${joint}${missing.join('\n')}\n`, changes: missing }]
}

function completedPackageFile(
  folder: string,
  wishes: PackageWishes,
): { readonly file: CompletedFile | null; readonly keptScripts: Readonly<Record<string, string>> } {
  const file = path.join(folder, 'package.json')
  const before = contentOf(file)?.toString() ?? null
  try {
    if (before !== null && isCommonJs(before) && hasSources(folder)) throw commonJs(folder)
    const { text, changes, kept } = completePackage(before, wishes)
    if (before !== null && changes.length === 0) return { file: null, keptScripts: kept }
    return {
      file: { path: 'package.json', before, text, changes: before === null ? [] : changes },
      keptScripts: kept,
    }
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError || thrown instanceof TypeError)) throw thrown
    throw usageError({
      code: 'INIT_PACKAGE_INVALID',
      message: `expected ${file} to be a JSON object, found that it is none: ${thrown.message}`,
      hint: 'mend it, or move it away: init then writes one. Nothing was written',
      details: { file },
      cause: thrown,
    })
  }
}

/** Whether files lie here that `"type": "module"` would change the meaning of. */
function hasSources(folder: string): boolean {
  const entries = readdirSync(folder, { withFileTypes: true })
  return entries.some((entry) => entry.isFile() && /\.(js|ts|jsx|tsx)$/.test(entry.name)) || sourceFolder(entries)
}

function sourceFolder(entries: readonly { isDirectory(): boolean; readonly name: string }[]): boolean {
  return entries.some((entry) => entry.isDirectory() && ['src', 'lib', 'test', 'app'].includes(entry.name))
}

function commonJs(folder: string): Error {
  return usageError({
    code: 'INIT_COMMONJS',
    message: `expected a folder whose package.json says "type": "module" or nothing, found "commonjs", with code in it: ${folder}`,
    hint: 'give the jobs a folder of their own: `batchwright init jobs-project`. Nothing was written',
    details: { folder },
  })
}

const MOST_NAMED = 8

function filesExist(folder: string, taken: readonly string[]): Error {
  const named = taken.slice(0, MOST_NAMED).join(', ')
  const more = taken.length > MOST_NAMED ? ` and ${String(taken.length - MOST_NAMED)} more` : ''
  return usageError({
    code: 'INIT_FILES_EXIST',
    message: `expected to make new files in ${folder}, found other ones of these names there: ${named}${more}`,
    hint: 'move them away, or name another folder: `batchwright init FOLDER`. Nothing was written over',
    details: { folder, files: [...taken] },
  })
}
