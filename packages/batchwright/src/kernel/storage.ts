/** What failures of the file system mean, in words that name the path. */
import { lstatSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { BatchwrightError } from './errors.ts'

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
/** What the system refuses, and what to do about it; `at` is what stands at the path, or above it. */
const REFUSED = new Map<string, readonly [found: string, hint: (at: string) => string]>([
  [
    'EROFS',
    ['the file system is mounted read-only', (at) => `\`findmnt -T ${at}\` shows the mount: let it be written`],
  ],
  [
    'EACCES',
    ['this user has no permission', (at) => `\`ls -ld ${at}\` shows who may write: let this user (\`id -un\`)`],
  ],
  [
    'EPERM',
    ['the system does not permit it', (at) => `\`ls -ld ${at}\` and \`lsattr -d ${at}\` show why: change that`],
  ],
  ['ENOTDIR', ['a file stands where a folder must be', (at) => `Move it away: \`mv ${at} ${at}.old\``]],
  ['EISDIR', ['a folder stands where the file must be', (at) => `Move it away: \`mv ${at} ${at}.old\``]],
  ['ENAMETOOLONG', ['the path is longer than allowed', () => 'Choose shorter names, or a folder nearer to the root']],
])

/** The path, or the nearest above it that is there. */
function nearestThere(file: string): string {
  const above = path.dirname(file)
  if (above === file) return file
  try {
    return lstatSync(file, { throwIfNoEntry: false }) === undefined ? nearestThere(above) : file
  } catch {
    // Not to be looked at either (no permission above it, a file in its way): what is above says more.
    return nearestThere(above)
  }
}

/** The operating system's code of an error (`ENOSPC`), or null. */
export function systemCode(thrown: unknown): string | null {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : null
}

/**
 * What a failed write, rename or link means, in words that name the path. DISK_FULL and OUTPUT_UNWRITABLE do not pass by
 * themselves, so that no attempts are spent on them; anything else stays the error that it was.
 */
export function storageError(thrown: unknown, file: string): unknown {
  const code = systemCode(thrown)
  if (code !== null && FULL.has(code)) {
    return new BatchwrightError({
      code: 'DISK_FULL',
      message: `expected room to write ${file}, found the disk, the quota or the limit on file sizes exhausted (${code})`,
      hint: 'Free some space, then run the job again: it goes on from its last checkpoint.',
      details: { path: file },
      cause: thrown,
    })
  }
  const refused = code === null ? undefined : REFUSED.get(code)
  if (refused !== undefined) {
    const [found, hint] = refused
    return new BatchwrightError({
      code: 'OUTPUT_UNWRITABLE',
      message: `expected to be able to write ${file}, found that ${found} (${code})`,
      hint: `${hint(nearestThere(file))}, then run the job again.`,
      details: { path: file },
      cause: thrown,
    })
  }
  return thrown
}

/**
 * Makes a folder and those above it. Returns the uppermost that was made, undefined where all were there.
 *
 * Node's own `recursive` answers ENOENT where the file system is read-only; this one throws what the system said.
 */
export async function makeFolders(folder: string): Promise<string | undefined> {
  try {
    await mkdir(folder)
    return folder
  } catch (thrown) {
    const code = systemCode(thrown)
    if (code === 'EEXIST' && (await stat(folder)).isDirectory()) return undefined
    const above = path.dirname(folder)
    if (code !== 'ENOENT' || above === folder) throw thrown
    const first = await makeFolders(above)
    return (await makeFolders(folder)) === undefined ? first : (first ?? folder)
  }
}
