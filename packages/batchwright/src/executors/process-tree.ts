/** The processes that belong together, as /proc tells it. Where there is no /proc, only groups are known. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { isRunning, startOf } from '../kernel/process-identity.ts'

/** In the environment of a slot's process and of all that it starts: whose they are. */
export const SLOT_VARIABLE = 'BATCHWRIGHT_SLOT'

const PAGE_BYTES = 4096

/** Names one slot of this process: `<namespace of process ids> <pid> <its start> <slot>`. */
export function slotMark(slot: string): string {
  return `${namespaceOf('self')} ${String(process.pid)} ${startOf(process.pid) ?? ''} ${slot}`
}

/** Resident memory of a process group, bytes; 0 where the system does not tell. */
export function groupMemory(group: number): number {
  let pages = 0
  for (const pid of processes()) {
    const stat = statOf(pid)
    // Fields 5 and 24 of proc(5), counted behind the name: the group, and the resident pages.
    if (stat !== null && Number(stat[2]) === group) pages += Number(stat[21])
  }
  return pages * PAGE_BYTES
}

/** Ends a process group at once: no member can have a child that escapes the signal. */
export function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL')
  } catch (error) {
    if (!isGone(error)) throw error
  }
}

/** Ends processes that carry a mark, whatever group they have moved to. Returns how many. */
export function killMarked(isMine: (mark: string) => boolean): number {
  const killed = new Set<number>()
  // One may start another while it is looked for: look until none is new.
  for (let before = -1; before < killed.size;) {
    before = killed.size
    for (const pid of processes()) {
      const mark = markOf(pid)
      if (mark === null || pid === process.pid || killed.has(pid) || !isMine(mark) || startOf(pid) === null) continue
      if (kill(pid)) killed.add(pid)
    }
  }
  return killed.size
}

/** Ends everything on this machine that slots of dead workers have left behind. Returns how many processes. */
export function killOrphans(): number {
  const here = namespaceOf('self')
  return killMarked((mark) => {
    const [namespace, pid, start] = mark.split(' ')
    if (namespace !== here || namespace === '' || pid === undefined) return false
    if (!isRunning(Number(pid))) return true
    return start !== '' && startOf(Number(pid)) !== start
  })
}

function markOf(pid: number): string | null {
  const environment = read(`/proc/${String(pid)}/environ`)
  const entry = environment?.split('\0').find((each) => each.startsWith(`${SLOT_VARIABLE}=`))
  return entry === undefined ? null : entry.slice(SLOT_VARIABLE.length + 1)
}

/** The fields of /proc/PID/stat behind the name, which may hold blanks and brackets; null for one that has ended. */
function statOf(pid: number): readonly string[] | null {
  const stat = read(`/proc/${String(pid)}/stat`)
  if (stat === null) return null
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' ? null : fields
}

function processes(): readonly number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger)
  } catch {
    // Not Linux: nothing is known of processes by name.
    return []
  }
}

/** Null for a process that is gone, or is another user's. */
function read(file: string): string | null {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return null
  }
}

function namespaceOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`)
  } catch {
    return ''
  }
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL')
    return true
  } catch (error) {
    if (isGone(error)) return false
    throw error
  }
}

/** Gone, or by now somebody else's. */
function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM')
}
