import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { BatchwrightError } from '../kernel/errors.ts'
import { makeFolders, storageError, systemCode } from '../kernel/storage.ts'
import type { ArtifactRef } from '../protocol/index.ts'
import { writeWhole } from './artifact.ts'
import { codeVersionOf } from './load-artifact.ts'

/** The code version of an artifact's file; null where there is no file. */
export async function versionOfArtifact(file: string): Promise<string | null> {
  try {
    return codeVersionOf(await readFile(file, 'utf8'))
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT' || systemCode(thrown) === 'ENOTDIR') return null
    throw thrown
  }
}

/**
 * Writes an artifact that was built elsewhere, and its source map, to where it is to be loaded from. Throws ARTIFACT_CHANGED,
 * and writes nothing, where its hash is not its code version.
 */
export async function storeArtifact(
  { codeVersion, path: file }: ArtifactRef,
  { code, map }: { readonly code: string; readonly map: string | null },
): Promise<void> {
  const found = codeVersionOf(code)
  if (found !== codeVersion) {
    throw new BatchwrightError({
      code: 'ARTIFACT_CHANGED',
      message: `expected the artifact that was fetched to have the hash ${codeVersion}, found ${found}`,
      hint: 'The copy in the store is damaged: `batchwright retry RUN` goes on with the code as it is now.',
      details: { expected: codeVersion, found },
    })
  }
  try {
    await makeFolders(path.dirname(file))
  } catch (thrown) {
    throw storageError(thrown, path.dirname(file))
  }
  if (map !== null) await writeWhole(`${file}.map`, map)
  await writeWhole(file, code)
}
