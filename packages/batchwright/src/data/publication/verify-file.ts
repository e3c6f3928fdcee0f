import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { BatchwrightError } from '../../kernel/errors.ts'
import { systemCode } from '../sinks/storage-errors.ts'
import type { Manifest } from './manifest.ts'

const READ_BYTES = 1024 * 1024

/** Size and SHA-256 of a file, read from its start; null where there is no such file. */
export async function digestOf(path: string): Promise<{ readonly bytes: number; readonly sha256: string } | null> {
  const handle = await open(path, 'r').catch((thrown: unknown) => {
    if (systemCode(thrown) === 'ENOENT') return null
    throw thrown
  })
  if (handle === null) return null
  try {
    const hash = createHash('sha256')
    const buffer = Buffer.allocUnsafe(READ_BYTES)
    for (let bytes = 0; ;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, bytes)
      if (bytesRead === 0) return { bytes, sha256: hash.digest('hex') }
      hash.update(buffer.subarray(0, bytesRead))
      bytes += bytesRead
    }
  } finally {
    await handle.close()
  }
}

/** Which published version a file belongs to; null where only its digest is known. */
export type Origin = Pick<Manifest, 'dataset' | 'window' | 'number' | 'run'> | null

/** Makes sure that a published file is what its manifest says. Errors: CHECKSUM_MISMATCH, PUBLISHED_PART_MISSING. */
export async function verifyPublished(
  path: string,
  expected: { readonly sha256: string },
  origin: Origin,
): Promise<void> {
  const found = await digestOf(path)
  if (found === null) {
    throw new BatchwrightError({
      code: 'PUBLISHED_PART_MISSING',
      message: `expected the published part ${path}, found no such file`,
      hint: broughtBack(origin),
      details: { path },
    })
  }
  if (found.sha256 !== expected.sha256) throw checksumMismatch(path, expected.sha256, found.sha256, origin)
}

/** CHECKSUM_MISMATCH: a file is not what was written. */
export function checksumMismatch(path: string, expected: string, found: string, origin: Origin): BatchwrightError {
  return new BatchwrightError({
    code: 'CHECKSUM_MISMATCH',
    message: `${path}: expected SHA-256 ${expected}, found ${found}`,
    hint: `The file was changed after it was written. ${broughtBack(origin)}`,
    details: { path, expected, found },
  })
}

/** What to do about it, with the job that wrote it: whoever reads a dataset may be another one. */
function broughtBack(origin: Origin): string {
  if (origin === null) {
    return 'Restore it from a backup, or run the job that wrote it again: `batchwright datasets` names the jobs.'
  }
  const window = origin.window === null ? '' : ` --window ${origin.window.key}`
  const earlier =
    origin.number === 1 ? '' : ` show an earlier version: \`batchwright rollback ${origin.dataset}${window}\`; or`
  return `Restore it from a backup; or${earlier} make it anew: \`batchwright rerun ${origin.run.job}${window}\`.`
}
