import { mkdir, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { makeFolders, storageError } from '../../kernel/storage.ts'

export interface Scratch {
  /** For what is built: kept from pass to pass. */
  readonly artifactsFolder: string
  /** A new, empty folder. */
  next(): Promise<string>
  close(): Promise<void>
}

/**
 * A folder of this process in the project's state, `scratch/<pid>`, so that what the job's code imports is found from there.
 * What processes that were killed have left goes first.
 */
export async function openScratch(stateFolder: string, pid: number = process.pid): Promise<Scratch> {
  const all = path.join(stateFolder, 'scratch')
  const own = path.join(all, String(pid))
  try {
    await makeFolders(all)
    for (const name of await readdir(all)) {
      if (name === String(pid) || !isAlive(Number(name))) await rm(path.join(all, name), { recursive: true })
    }
    await mkdir(own)
  } catch (thrown) {
    throw storageError(thrown, own)
  }
  let passes = 0
  return {
    artifactsFolder: path.join(own, 'artifacts'),
    next: async () => {
      passes += 1
      const folder = path.join(own, `pass-${passes}`)
      await mkdir(folder)
      return folder
    },
    close: () => rm(own, { recursive: true, force: true }),
  }
}

/** Whether a process of this id is there. What is no id is nobody's. */
function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it is there, and another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
