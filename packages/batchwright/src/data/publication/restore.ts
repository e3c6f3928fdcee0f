import { copyFile, link, rename, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Part } from '../../protocol/index.ts'
import { makeFolder } from '../sinks/folders.ts'
import { storageError, systemCode } from '../sinks/storage-errors.ts'

/** Whether a part is where it was sealed, with its size. Its digest is checked by whoever reads it. */
export async function isThere(part: Pick<Part, 'path' | 'bytes'>): Promise<boolean> {
  try {
    return (await stat(part.path)).size === part.bytes
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT' || systemCode(thrown) === 'ENOTDIR') return false
    throw storageError(thrown, part.path)
  }
}

/**
 * Brings staged parts that have been cleaned up back to their places, from published files of the same content. Parts that
 * are there, and those that no published file has the content of, are left as they are. May be called again at will.
 */
export async function restoreStaged(
  published: readonly Pick<Part, 'path' | 'bytes' | 'sha256'>[],
  staged: readonly Part[],
): Promise<void> {
  const byContent = new Map(published.map((part) => [part.sha256, part]))
  for (const part of staged) {
    const source = byContent.get(part.sha256)
    if (source === undefined || (await isThere(part)) || !(await isThere(source))) continue
    await makeFolder(path.dirname(part.path))
    await linkOrCopy(source.path, part.path)
  }
}

async function linkOrCopy(source: string, target: string): Promise<void> {
  try {
    await link(source, target)
  } catch (thrown) {
    if (systemCode(thrown) === 'EEXIST') return
    const temporary = `${target}.restoring`
    try {
      await copyFile(source, temporary)
      await rename(temporary, target)
    } catch (failed) {
      throw storageError(failed, target)
    }
  }
}
