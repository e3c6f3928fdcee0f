import { stat } from 'node:fs/promises'
import type { Part, SinkState } from '../../protocol/index.ts'
import { outputLost, systemCode } from './storage-errors.ts'

/**
 * The sealed parts of an earlier attempt, by reference, after a look that each is there with its size; their digests are
 * checked by whoever reads them. Errors: OUTPUT_LOST.
 */
export async function adoptSealed(resume: SinkState | null): Promise<readonly Part[]> {
  const parts = resume?.sealed ?? []
  await Promise.all(parts.map((part) => expectSize(part.path, part.bytes)))
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
