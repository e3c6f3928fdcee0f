import { dirname } from 'node:path'
import { BatchwrightError } from '../../kernel/errors.ts'

/** Primary result codes of SQLite that this store tells apart: https://sqlite.org/rescode.html */
const PERM = 3
const BUSY = 5
const LOCKED = 6
const READONLY = 8
const IOERR = 10
const CORRUPT = 11
const FULL = 13
const CANTOPEN = 14
const AUTH = 23
const NOTADB = 26

/** SQLite's primary result code of an error that node:sqlite threw; null for any other error. */
export function sqliteCode(thrown: unknown): number | null {
  if (!(thrown instanceof Error) || !('errcode' in thrown) || typeof thrown.errcode !== 'number') return null
  return thrown.errcode & 0xff
}

/** Another connection holds the lock: wait a little and try again. */
export function isBusy(thrown: unknown): boolean {
  const code = sqliteCode(thrown)
  return code === BUSY || code === LOCKED
}

/** The error to throw for what SQLite threw: typed where a person can do something about it, unchanged otherwise. */
export function storeError(thrown: unknown, path: string): unknown {
  switch (sqliteCode(thrown)) {
    case NOTADB:
    case CORRUPT:
      return corrupt(path, thrown instanceof Error ? thrown.message : 'unreadable', thrown)
    case FULL:
      return new BatchwrightError({
        code: 'STORE_FULL',
        message: `the store ${path} could not be written: the disk, or the quota of the store, is full`,
        hint: 'Free space where the store lies and run the same command again; nothing that was acknowledged is lost.',
        details: { path },
        cause: thrown,
        retryable: true,
      })
    case PERM:
    case READONLY:
    case CANTOPEN:
    case IOERR:
    case AUTH:
      return unwritable(path, thrown)
    default:
      return thrown
  }
}

export function corrupt(path: string, found: string, cause?: unknown): BatchwrightError {
  return new BatchwrightError({
    code: 'STORE_CORRUPT',
    message: `expected a Batchwright store at ${path}, found something else or a damaged file: ${found}`,
    hint: `Restore the file from a copy; or start with an empty store, by moving it away with its -wal and -shm files: \`mkdir damaged && mv ${path}* damaged/\`. Published data is not touched.`,
    details: { path },
    ...(cause === undefined ? {} : { cause }),
  })
}

export function unwritable(path: string, cause: unknown): BatchwrightError {
  const found = cause instanceof Error ? cause.message : String(cause)
  return new BatchwrightError({
    code: 'STORE_UNWRITABLE',
    message: `expected to be able to write the store ${path} and its folder, found: ${found}`,
    hint: `Look whether there is room, \`df -h ${dirname(path)}\`, who may write there, \`ls -ld ${dirname(path)} ${path}\`, and whether the file system is mounted read-only; then run the same command again.`,
    details: { path },
    cause,
    retryable: true,
  })
}
