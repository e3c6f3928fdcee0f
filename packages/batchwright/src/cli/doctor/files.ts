/** Folders: whether they may be written, how much room there is, and what their file system can do. */
import { constants, existsSync } from 'node:fs'
import { access, link, mkdir, open, rm, statfs } from 'node:fs/promises'
import path from 'node:path'
import type { Clock } from '../../kernel/clock.ts'
import { bytes } from '../render/text.ts'
import { fail, ok, warn, type Finding } from './finding.ts'

/** A folder that runs write to. */
export interface WrittenFolder {
  /** `state`, `dataset invoices`. */
  readonly what: string
  /** Absolute; may not be there yet. */
  readonly folder: string
}

/** The folder, or the nearest one above it that is there. */
function existing(folder: string): string {
  return existsSync(folder) || path.dirname(folder) === folder ? folder : existing(path.dirname(folder))
}

export async function permissionFindings(
  written: readonly WrittenFolder[],
  read: readonly WrittenFolder[],
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const wanted = [
    ...written.map((each) => ({ ...each, mode: constants.W_OK | constants.X_OK, verb: 'written' })),
    ...read.map((each) => ({ ...each, mode: constants.R_OK, verb: 'read' })),
  ]
  for (const { what, folder, mode, verb } of wanted) {
    const there = existing(folder)
    if (await allows(there, mode)) continue
    findings.push(
      fail(
        'permissions',
        verb === 'read' ? 'FOLDER_UNREADABLE' : 'FOLDER_UNWRITABLE',
        `${what}: ${there} cannot be ${verb} by user ${String(process.getuid?.() ?? 'this one')}`,
        `give that user the right to it: chown or chmod ${there}`,
      ),
    )
  }
  return findings.length > 0
    ? findings
    : [ok('permissions', `${written.length} folders can be written, ${read.length} read`)]
}

async function allows(folder: string, mode: number): Promise<boolean> {
  try {
    await access(folder, mode)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false
    throw error
  }
}

/** Below this nothing should be started. */
const LEAST_FREE = 100_000_000
const LITTLE_FREE = 1_000_000_000
/** A run needs room for what it stages beside what is published, and for its own files. */
const ROOM_FACTOR = 2

/** Free space of each file system that is written to, against what the last run wrote. */
export async function diskFindings(
  written: readonly WrittenFolder[],
  lastRunBytes: number,
): Promise<readonly Finding[]> {
  const systems = new Map<number, { readonly what: string[]; readonly free: number; readonly folder: string }>()
  for (const { what, folder } of written) {
    const there = existing(folder)
    const { bavail, bsize, blocks, type } = await statfs(there)
    // Two folders of one file system have the same numbers.
    const key = type * 1e6 + blocks
    const known = systems.get(key) ?? { what: [], free: bavail * bsize, folder: there }
    known.what.push(what)
    systems.set(key, known)
  }
  return [...systems.values()].map(({ what, free, folder }) => {
    const named = what.length > 3 ? `${what.slice(0, 2).join(', ')} and ${what.length - 2} more` : what.join(', ')
    const text = `${bytes(free)} free for ${named}`
    const needed = lastRunBytes * ROOM_FACTOR
    if (free < LEAST_FREE || free < lastRunBytes) {
      return fail(
        'disk',
        'DISK_FULL',
        `${text}; the last run wrote ${bytes(lastRunBytes)}`,
        `free space on the file system of ${folder}`,
      )
    }
    if (free < LITTLE_FREE || free < needed) {
      return warn(
        'disk',
        'DISK_LOW',
        `${text}; the last run wrote ${bytes(lastRunBytes)}`,
        `free space on the file system of ${folder}`,
      )
    }
    return ok('disk', lastRunBytes === 0 ? text : `${text}; the last run wrote ${bytes(lastRunBytes)}`)
  })
}

/** A flush to disk that takes longer than this makes every commit of a run that slow. */
const SLOW_FLUSH_MS = 200

/** Whether files can be linked and flushed where datasets are published: tried with a small file, which goes again. */
export async function storageFindings(written: readonly WrittenFolder[], clock: Clock): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const tried = new Set<string>()
  for (const { what, folder } of written) {
    const there = existing(folder)
    if (tried.has(there) || !(await allows(there, constants.W_OK))) continue
    tried.add(there)
    findings.push(await tryStorage(what, there, clock))
  }
  return findings
}

async function tryStorage(what: string, folder: string, clock: Clock): Promise<Finding> {
  const probe = path.join(folder, `.batchwright-doctor-${process.pid}`)
  try {
    // One by one: on some file systems Node tries for ever to make them at once.
    await mkdir(probe)
    await mkdir(path.join(probe, 'staging'))
    const staged = path.join(probe, 'staging', 'part')
    const file = await open(staged, 'wx')
    const began = clock.monotonic()
    try {
      await file.writeFile('a part')
      await file.sync()
    } finally {
      await file.close()
    }
    const flushMs = clock.monotonic() - began
    await link(staged, path.join(probe, 'part'))
    if (flushMs <= SLOW_FLUSH_MS) return ok('storage', `${what}: hard links and flushes work in ${folder}`)
    return warn(
      'storage',
      'FLUSH_SLOW',
      `${what}: a flush to disk took ${Math.round(flushMs)} ms in ${folder}`,
      'put it on a faster disk: every commit waits that long',
    )
  } catch (error) {
    return storageFailure(what, folder, error)
  } finally {
    await rm(probe, { recursive: true, force: true })
  }
}

function storageFailure(what: string, folder: string, error: unknown): Finding {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  if (['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EMLINK'].includes(code)) {
    return fail(
      'storage',
      'LINKS_UNSUPPORTED',
      `${what}: ${folder} has no hard links (${code}): publication needs them for its manifests`,
      'publish to a local file system such as ext4, xfs or apfs',
    )
  }
  return fail(
    'storage',
    'STORAGE_UNUSABLE',
    `${what}: a file cannot be written and flushed in ${folder} (${code})`,
    'look at the disk and its permissions',
  )
}
