import type { Clock, Timer } from '../../kernel/clock.ts'
import { watchFolders } from './folders.ts'
import { foldersOf, signatureOf, type Watched } from './signature.ts'

/** Editors write twice, tools write many files: how long it must be quiet before one looks. */
const QUIET_MS = 80

export interface Changes {
  /** Watches these from now on, as they are at this moment, or as they were when `signature` was taken of them. */
  watch(watched: Watched, signature?: string): void
  /** Resolves when something of it is different from what it was, after it has been quiet for a moment. */
  next(): Promise<void>
  close(): void
}

/** Real changes of watched files: a save of the same content, and files that do not count, are none. */
export function openChanges(clock: Clock): Changes {
  let watched: Watched = { files: [], sourceFolders: [], inputFolders: [] }
  let known = ''
  let timer: Timer | null = null
  let waiting: (() => void) | null = null
  const look = (): void => {
    timer = null
    if (waiting === null || signatureOf(watched) === known) return
    waiting()
    waiting = null
  }
  const soon = (): void => {
    timer?.stop()
    timer = clock.after(QUIET_MS, look)
  }
  const folders = watchFolders(soon)
  return {
    watch: (next, signature) => {
      watched = next
      known = signature ?? signatureOf(next)
      folders.set(foldersOf(next))
    },
    next: () =>
      new Promise((resolve) => {
        waiting = resolve
        // What has changed since it was looked at told its event to nobody.
        soon()
      }),
    close: () => {
      timer?.stop()
      folders.close()
    },
  }
}
