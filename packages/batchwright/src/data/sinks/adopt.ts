import { stat } from 'node:fs/promises'
import type { Part, SinkState } from '../../protocol/index.ts'
import { digestOf } from '../publication/verify-file.ts'
import { outputLost, systemCode } from './storage-errors.ts'

/**
 * The sealed parts of an earlier attempt, by reference, after each has been read and found as it was written: what lay
 * about in a folder since a crash is never passed on by its name. Errors: OUTPUT_LOST.
 */
export async function adoptSealed(resume: SinkState | null): Promise<readonly Part[]> {
  const parts = resume?.sealed ?? []
  for (const part of parts) {
    await expectSize(part.path, part.bytes)
    const found = await digestOf(part.path)
    if (found?.sha256 !== part.sha256)
      throw outputLost(part.path, `SHA-256 ${part.sha256}`, found?.sha256 ?? 'no such file')
  }
  return parts
}

/** Errors: OUTPUT_LOST where the file is missing or has another size. */
export async function expectSize(path: string, bytes: number): Promise<void> {
  try {
    const found = await stat(path)
    if (found.size !== bytes) throw outputLost(path, `${bytes} bytes`, `${found.size} bytes`)
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') throw outputLost(path, `${bytes} bytes`, 'no such file')
    throw thrown
  }
}
