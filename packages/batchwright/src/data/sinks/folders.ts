import { open } from 'node:fs/promises'
import path from 'node:path'
import { makeFolders, storageError } from '../../kernel/storage.ts'

/** Makes the entries of a folder durable: files made, linked or renamed in it survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Makes a folder and those above it, durably. Errors: DISK_FULL, OUTPUT_UNWRITABLE.
 */
export async function makeFolder(folder: string): Promise<void> {
  try {
    const first = await makeFolders(path.resolve(folder))
    if (first === undefined) return
    // Each new folder is an entry of the one above it.
    for (let made = path.resolve(folder); ; made = path.dirname(made)) {
      await syncFolder(path.dirname(made))
      if (made === first) return
    }
  } catch (thrown) {
    throw storageError(thrown, folder)
  }
}
