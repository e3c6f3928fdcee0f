/** Folders under watch, one by one. Saving by rename, a removed folder and a new one all show as a change in a folder. */
import { watch, type FSWatcher } from 'node:fs'

export interface FolderWatch {
  /** Watches exactly these from now on. Folders that are not there are passed over. */
  set(folders: readonly string[]): void
  close(): void
}

/**
 * Calls back for any change inside a watched folder, often more than once for one save: what has changed, if anything, is for
 * the caller to find out. See docs/decisions/12-watching-folders.md.
 */
export function watchFolders(onChange: () => void): FolderWatch {
  const watchers = new Map<string, FSWatcher>()
  const forget = (folder: string): void => {
    watchers.get(folder)?.close()
    watchers.delete(folder)
  }
  return {
    set: (folders) => {
      const wanted = new Set(folders)
      for (const folder of watchers.keys()) if (!wanted.has(folder)) forget(folder)
      for (const folder of wanted) {
        if (watchers.has(folder)) continue
        const watcher = open(folder, onChange)
        if (watcher === null) continue
        watchers.set(folder, watcher)
        watcher.on('error', () => {
          // Gone, or not to be read any more: that is a change, too.
          forget(folder)
          onChange()
        })
      }
    },
    close: () => {
      for (const folder of [...watchers.keys()]) forget(folder)
    },
  }
}

function open(folder: string, onChange: () => void): FSWatcher | null {
  try {
    return watch(folder, () => {
      onChange()
    })
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null
    throw error
  }
}
