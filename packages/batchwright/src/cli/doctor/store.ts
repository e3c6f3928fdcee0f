import { BatchwrightError } from '../../kernel/errors.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { RunRow, Store } from '../../store/contract.ts'
import {
  inspectSqliteStore,
  networkFileSystemOf,
  openStore,
  shownAddress,
  type SqliteStoreFacts,
  type StoreAddress,
} from '../../store/index.ts'
import { storageSeen } from '../fleet/storage.ts'
import type { Project } from '../project.ts'
import { bytes, plural } from '../render/text.ts'
import { runTitle } from '../view.ts'
import { fail, ok, warn, type Finding } from './finding.ts'

/** A write-ahead log that has grown beyond this is not being folded into the store. */
const LARGE_WAL = 256_000_000

export interface StoreLook {
  readonly findings: readonly Finding[]
  /** Whether the store can be opened by this code as it is. */
  readonly usable: boolean
}

/** The store: whether it can be reached, is sound, and of a version that is known here. Changes nothing. */
export async function storeFindings(address: StoreAddress, stateFolder: string, clock: Clock): Promise<StoreLook> {
  if (address.kind === 'sqlite') return storeFileFindings(address.path, stateFolder)
  try {
    const store = await openStore(address, { clock, migrate: false })
    await store.close()
    return { findings: [ok('store', `${shownAddress(address)} answers`)], usable: true }
  } catch (thrown) {
    if (!(thrown instanceof BatchwrightError)) throw thrown
    const hint = thrown.hint ?? 'see that the database runs and can be reached from here'
    if (thrown.code !== 'STORE_OLDER_VERSION') {
      return { findings: [fail('store', thrown.code, thrown.message, hint)], usable: false }
    }
    return { findings: [warn('store', thrown.code, thrown.message, hint)], usable: false }
  }
}

/** The store's file: whether it is there, sound, of a version that is known here. Changes nothing. */
export function storeFileFindings(file: string, stateFolder: string): StoreLook {
  const network = networkFinding(stateFolder)
  if (network !== null) return { findings: [network], usable: false }
  let facts: SqliteStoreFacts | null
  try {
    facts = inspectSqliteStore(file)
  } catch (thrown) {
    if (!(thrown instanceof BatchwrightError)) throw thrown
    return {
      findings: [fail('store', thrown.code, thrown.message, thrown.hint ?? 'restore it from a backup')],
      usable: false,
    }
  }
  if (facts === null) return { findings: [ok('store', 'nothing has run here yet: there is no store')], usable: false }
  const findings = [versionFinding(facts, file), soundness(facts, file), journal(facts)]
  return { findings, usable: findings.every((finding) => finding.level !== 'fail') && facts.version === facts.known }
}

function networkFinding(stateFolder: string): Finding | null {
  const network = networkFileSystemOf(stateFolder)
  if (network === null) return null
  return fail(
    'store',
    'STORE_NETWORK_FILE_SYSTEM',
    `${stateFolder} lies on a network file system (${network}), whose locks do not protect the store`,
    'set "state" in batchwright.config.json to a folder on a local disk',
  )
}

function versionFinding({ version, known }: SqliteStoreFacts, file: string): Finding {
  if (version === known) return ok('store', `${file}, version ${version}`)
  if (version > known) {
    return fail(
      'store',
      'STORE_NEWER_VERSION',
      `the store is of version ${version}, this Batchwright knows ${known}`,
      'upgrade Batchwright',
    )
  }
  return warn(
    'store',
    'STORE_OLDER_VERSION',
    `the store is of version ${version}; the next command that writes brings it to ${known}`,
    'back it up first, if an older Batchwright shall still read it',
  )
}

function soundness({ damage }: SqliteStoreFacts, file: string): Finding {
  const [first] = damage
  if (first === undefined) return ok('store', 'integrity check passed')
  return fail(
    'store',
    'STORE_CORRUPT',
    `the integrity check found ${plural(damage.length, 'fault')}: ${first}`,
    `restore ${file} from a backup; published datasets are not part of it`,
  )
}

function journal({ journalMode, bytes: size, walBytes }: SqliteStoreFacts): Finding {
  const sizes = `${bytes(size)}, write-ahead log ${bytes(walBytes)}`
  if (journalMode !== 'wal') {
    return warn(
      'store',
      'STORE_WITHOUT_WAL',
      `journal mode ${journalMode} instead of wal (${sizes})`,
      'the next command that writes sets it',
    )
  }
  if (walBytes <= LARGE_WAL) return ok('store', sizes)
  return warn(
    'store',
    'STORE_WAL_LARGE',
    `${sizes}: something has kept it open for reading for long`,
    'end other programs that have the file open; the log is folded in when the last one closes it',
  )
}

/** With PostgreSQL: whether this host sees the storage that the store's runs keep their files on. */
export async function storageProofFindings(project: Project, store: Store): Promise<readonly Finding[]> {
  if (project.store.kind === 'sqlite') return []
  const { known, seen } = await storageSeen(project, store)
  if (known === null) return [ok('storage', 'no process has named the storage of the fleet yet')]
  const here = `the state folder ${project.state}`
  if (known.id === seen && known.stateFolder === project.state) {
    return [ok('storage', `${here} is the storage of the fleet, as host ${known.host} named it`)]
  }
  const message = `${here} is not the storage of the fleet, which host ${known.host} named: ${known.stateFolder}`
  return [fail('storage', 'STORAGE_NOT_SHARED', message, 'mount the same storage at the same path on all hosts')]
}

/** Runs that nobody works on, and times in the store that have not come yet. */
export async function storeContentFindings(store: Store, now: number): Promise<readonly Finding[]> {
  const { items: open } = await store.listRuns({ states: ['queued', 'running'], limit: 200 })
  const workers = await store.listWorkers()
  const alive = workers.some((worker) => worker.state === 'alive' && worker.expiresAt > now)
  const left = alive ? [] : open.filter((run) => !run.paused)
  const { items: newest } = await store.listRuns({ limit: 1 })
  return [
    ...(open.length === 0 ? [ok('store', 'no run is unfinished')] : openFindings(open, left)),
    clockFinding(newest[0], now),
  ]
}

function openFindings(open: readonly RunRow[], left: readonly RunRow[]): readonly Finding[] {
  if (left.length === 0) return [ok('store', `${plural(open.length, 'run')} under way or paused`)]
  return left
    .slice(0, 5)
    .map((run) =>
      warn(
        'store',
        'RUN_LEFT',
        `${runTitle(run)} is ${run.state} and nobody works on it (run ${run.runId})`,
        `batchwright run ${run.job}${run.window === null ? '' : ` --window ${run.window.key}`} goes on; batchwright cancel ${run.runId} ends it`,
      ),
    )
}

/** A clock that was set back makes leases last longer and orders events wrongly. */
function clockFinding(newest: RunRow | undefined, now: number): Finding {
  const last = Math.max(newest?.createdAt ?? 0, newest?.startedAt ?? 0, newest?.endedAt ?? 0)
  if (last <= now + 1_000) return ok('clock', 'not behind what the store has recorded')
  return fail(
    'clock',
    'CLOCK_BEHIND_STORE',
    `the store has recorded ${new Date(last).toISOString()}, and the clock says ${new Date(now).toISOString()}`,
    'set the clock (timedatectl set-ntp true), or wait until that time has passed: leases last longer until then',
  )
}
