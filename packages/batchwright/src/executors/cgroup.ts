/**
 * A control group of Linux for one slot, where this process may make one: the kernel then keeps the limit itself, however
 * fast memory grows and whatever the step has started. Where it may not, the guard's watch alone keeps it.
 */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { isRunning } from '../kernel/process-identity.ts'

/** Files of the memory controller, by the version of control groups. */
interface Files {
  readonly limit: string
  /** Kills counted by the kernel: the number behind `oom_kill`. */
  readonly kills: string
  readonly peak: string
}

const FILES: Readonly<Record<'v1' | 'v2', Files>> = {
  v1: { limit: 'memory.limit_in_bytes', kills: 'memory.oom_control', peak: 'memory.max_usage_in_bytes' },
  v2: { limit: 'memory.max', kills: 'memory.events', peak: 'memory.peak' },
}

export interface ControlGroup {
  /** Puts a process in; its children follow. */
  add(pid: number): void
  /** Most memory that it has used, bytes, where the kernel has ended a process for it; null where it has not. */
  exceeded(): number | null
  /** Process ids that are in it. */
  members(): readonly number[]
  /** Removes it when it is empty. */
  remove(): void
}

const NAME = 'batchwright-'

/** Removes groups that nobody is in any more, of workers that have gone and of this one: the kernel may be slow to let go. */
export function removeOrphanedGroups(): void {
  const parent = ownGroup()
  if (parent === null) return
  for (const name of groupsIn(parent.folder)) {
    const [, pid] = /^batchwright-(\d+)-/.exec(name) ?? []
    if (pid === undefined || (Number(pid) !== process.pid && isRunning(Number(pid)))) continue
    new MemoryGroup(path.join(parent.folder, name), FILES[parent.version]).remove()
  }
}

function groupsIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => name.startsWith(NAME))
  } catch {
    // No control groups here.
    return []
  }
}

/** Makes a group under this process's own with a limit in bytes; null where that is not allowed. */
export function makeControlGroup(name: string, limitBytes: number): ControlGroup | null {
  const parent = ownGroup()
  if (parent === null) return null
  const folder = path.join(parent.folder, `${NAME}${name}`)
  const files = FILES[parent.version]
  try {
    mkdirSync(folder)
  } catch {
    // Not allowed here: most processes may not.
    return null
  }
  try {
    writeFileSync(path.join(folder, files.limit), String(limitBytes))
  } catch {
    // The controller is not given to children of this group.
    rmdirSync(folder)
    return null
  }
  return new MemoryGroup(folder, files)
}

class MemoryGroup implements ControlGroup {
  readonly #folder: string
  readonly #files: Files

  constructor(folder: string, files: Files) {
    this.#folder = folder
    this.#files = files
  }

  add(pid: number): void {
    try {
      writeFileSync(path.join(this.#folder, 'cgroup.procs'), String(pid))
    } catch {
      // It has ended already, or may not be moved: the guard watches it.
    }
  }

  exceeded(): number | null {
    const [, kills] = /^oom_kill (\d+)$/m.exec(this.#read(this.#files.kills)) ?? []
    return Number(kills ?? 0) === 0 ? null : Number(this.#read(this.#files.peak))
  }

  members(): readonly number[] {
    return this.#read('cgroup.procs').split('\n').filter(Boolean).map(Number)
  }

  remove(): void {
    try {
      rmdirSync(this.#folder)
    } catch {
      // Somebody is in it still: an empty folder of the kernel's that the next boot forgets.
    }
  }

  #read(file: string): string {
    try {
      return readFileSync(path.join(this.#folder, file), 'utf8')
    } catch {
      return ''
    }
  }
}

/** Where this process's own group for memory is: cgroups(7). */
function ownGroup(): { readonly folder: string; readonly version: 'v1' | 'v2' } | null {
  let lines: readonly string[]
  try {
    lines = readFileSync('/proc/self/cgroup', 'utf8').split('\n')
  } catch {
    return null
  }
  const [, first] = lines.map((line) => /^\d+:memory:(.*)$/.exec(line)).find((match) => match !== null) ?? []
  if (first !== undefined) return { folder: path.join('/sys/fs/cgroup/memory', first), version: 'v1' }
  const [, unified] = lines.map((line) => /^0::(.*)$/.exec(line)).find((match) => match !== null) ?? []
  return unified === undefined ? null : { folder: path.join('/sys/fs/cgroup', unified), version: 'v2' }
}
