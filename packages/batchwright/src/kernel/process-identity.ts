import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** What tells one process from every other, the dead ones included. */
export interface ProcessIdentity {
  readonly host: string
  /** The boot of the host and the namespace that process ids are counted in; a name of the host where there is no /proc. */
  readonly bootId: string
  readonly pid: number
  /** Start time in the system's own ticks since boot; empty where the system does not tell. */
  readonly processStart: string
}

/** This process. */
export function ownIdentity(): ProcessIdentity {
  const host = hostname()
  return { host, bootId: readBootId() ?? `host:${host}`, pid: process.pid, processStart: startOf(process.pid) ?? '' }
}

/**
 * Whether a process is surely dead. Only said of processes of the same boot and namespace: elsewhere a missing process id
 * means nothing, and the lease decides.
 */
export function isSurelyDead(other: ProcessIdentity, own: ProcessIdentity): boolean {
  if (other.host !== own.host || other.bootId !== own.bootId) return false
  if (other.pid === own.pid) return other.processStart !== own.processStart
  if (!isRunning(other.pid)) return true
  return other.processStart !== '' && startOf(other.pid) !== other.processStart
}

/** Whether a process of this id runs, in this namespace of process ids. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it runs, under another user.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}

/** Two containers of one host share its boot, but count their process ids apart. */
function readBootId(): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return null
  }
}

/** Start time of a running process, in ticks since boot; null where there is none, or the system does not tell. Field 22 of /proc/PID/stat (proc(5)); the name in field 2 may hold blanks and brackets, so count from its end. */
export function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A zombie has ended; its parent has not looked yet.
    return fields[0] === 'Z' ? null : (fields[19] ?? null)
  } catch {
    return null
  }
}
