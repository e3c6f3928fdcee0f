import type { Clock, Timer } from '../../kernel/clock.ts'
import { watchFolders } from './folders.ts'

/** Editors write twice, tools write many files: how long it must be quiet before one looks. */
const QUIET_MS = 80

export interface Changes {
  /** Watches these folders from now on; whether something that counts has changed in them is asked of `isChanged`. */
  watch(folders: readonly string[], isChanged: () => boolean): void
  /** Resolves when something has changed, after it has been quiet for a moment; also where it changed before. */
  next(): Promise<void>
  close(): void
}

/** Real changes of watched files: a save of the same content, and files that do not count, are none. */
export function openChanges(clock: Clock): Changes {
  let changed = (): boolean => false
  let timer: Timer | null = null
  let waiting: (() => void) | null = null
  const look = (): void => {
    timer = null
    if (waiting === null || !changed()) return
    waiting()
    waiting = null
  }
  const soon = (): void => {
    timer?.stop()
    timer = clock.after(QUIET_MS, look)
  }
  const folders = watchFolders(soon)
  return {
    watch: (wanted, isChanged) => {
      changed = isChanged
      folders.set(wanted)
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
