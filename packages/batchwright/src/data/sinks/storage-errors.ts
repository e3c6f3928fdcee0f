import { BatchwrightError } from '../../kernel/errors.ts'

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
const REFUSED = new Set(['EROFS', 'EACCES', 'EPERM', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG'])

/** The operating system's code of an error (`ENOSPC`), or null. */
export function systemCode(thrown: unknown): string | null {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : null
}

/**
 * What a failed write, rename or link means, in words that name the path. DISK_FULL and OUTPUT_UNWRITABLE do not pass by
 * themselves, so that no attempts are spent on them; anything else stays the error that it was.
 */
export function storageError(thrown: unknown, path: string): unknown {
  const code = systemCode(thrown)
  if (code !== null && FULL.has(code)) {
    return new BatchwrightError({
      code: 'DISK_FULL',
      message: `expected room to write ${path}, found the disk, the quota or the limit on file sizes exhausted (${code})`,
      hint: 'free some space, then run the job again: it goes on from its last checkpoint',
      details: { path },
      cause: thrown,
    })
  }
  if (code !== null && REFUSED.has(code)) {
    return new BatchwrightError({
      code: 'OUTPUT_UNWRITABLE',
      message: `expected to be able to write ${path}, found that the file system refuses it (${code})`,
      hint: 'check the folder, its permissions and whether it is mounted read-only, then run the job again',
      details: { path },
      cause: thrown,
    })
  }
  return thrown
}

/** Staged output of an earlier attempt is not there, or not as its checkpoint says: the task has to start again. */
export function outputLost(path: string, expected: string, found: string): BatchwrightError {
  return new BatchwrightError({
    code: 'OUTPUT_LOST',
    message: `staged output ${path}: expected ${expected}, found ${found}`,
    hint: 'the task starts again from the beginning of its partition; nothing else is needed',
    details: { path, expected, found },
    retryable: true,
  })
}
