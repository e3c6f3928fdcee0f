/**
 * Proof that the processes of a fleet see the same storage: a marker file in the state folder, whose id the store knows
 * (PROTOCOLS 15). Needed with PostgreSQL alone: an SQLite store lies in the folder itself.
 */
import { link, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import path from 'node:path'
import { BatchwrightError } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import { makeFolders, storageError, systemCode } from '../../kernel/storage.ts'
import type { NewStorage, StorageRow, Store } from '../../store/index.ts'
import type { Project } from '../project.ts'
import type { Session } from '../session.ts'

const MARKER = 'storage.json'

/** What the storage is known by; null where the store itself is the proof. */
export async function proveStorage(session: Session, store: Store): Promise<string | null> {
  const { project, clock, random } = session
  if (project.store.kind === 'sqlite') return null
  const seen = await markerOf(project)
  const id = seen ?? (await mark(project, newId(clock, random)))
  const known = await store.getStorage()
  const own: NewStorage = {
    id,
    stateFolder: project.state,
    projectFolder: project.folder,
    host: hostname(),
  }
  if (known !== null && known.id === id && isAt(known, own)) return id
  const stands = await store.nameStorage(own, known?.id ?? null)
  if (stands.id !== id) throw notShared(project, stands, seen)
  if (!isAt(stands, own)) throw elsewhere(project, stands)
  return id
}

/** Whether this process sees the storage that the store knows; for `doctor`. Changes nothing. */
export async function storageSeen(
  project: Project,
  store: Store,
): Promise<{ readonly known: StorageRow | null; readonly seen: string | null }> {
  return { known: await store.getStorage(), seen: await markerOf(project) }
}

function isAt(known: NewStorage, own: NewStorage): boolean {
  return known.stateFolder === own.stateFolder && known.projectFolder === own.projectFolder
}

async function markerOf(project: Project): Promise<string | null> {
  const file = path.join(project.state, MARKER)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return null
    throw storageError(thrown, file)
  }
  const [, id] = /"id":\s*"([a-z0-9]+)"/.exec(text) ?? []
  return id ?? null
}

/** Puts a marker into the folder, whole, where none is; answers with the one that is there. */
async function mark(project: Project, id: string): Promise<string> {
  const file = path.join(project.state, MARKER)
  const whole = `${file}.${id}.tmp`
  try {
    await makeFolders(project.state)
    await writeFile(whole, `${JSON.stringify({ id })}\n`, { flush: true })
    await link(whole, file).catch((thrown: unknown) => {
      // Another process of this host was first: its marker is as good.
      if (systemCode(thrown) !== 'EEXIST') throw thrown
    })
    await rm(whole)
  } catch (thrown) {
    throw storageError(thrown, file)
  }
  return (await markerOf(project)) ?? id
}

function notShared(project: Project, known: StorageRow, seen: string | null): BatchwrightError {
  const found = seen === null ? 'found no marker of it there' : 'found the marker of another storage there'
  return new BatchwrightError({
    code: 'STORAGE_NOT_SHARED',
    message: `expected the state folder ${project.state} to be the storage of this store's runs (named by host ${known.host}, as ${known.stateFolder}), ${found}`,
    hint: 'Mount the same storage at the same path on all hosts, with the state folder on it; `batchwright explain STORAGE_NOT_SHARED` tells more.',
    details: { stateFolder: project.state, known: known.stateFolder, namedBy: known.host, host: hostname() },
  })
}

function elsewhere(project: Project, known: StorageRow): BatchwrightError {
  const [expected, found] =
    known.stateFolder === project.state ? [known.projectFolder, project.folder] : [known.stateFolder, project.state]
  return new BatchwrightError({
    code: 'STORAGE_ELSEWHERE',
    message: `expected the storage of this store at ${expected} (named by host ${known.host}), found it at ${found}`,
    hint: `Mount it at ${expected} on this host; or end all workers first: then the new place is taken over.`,
    details: { expected, found, namedBy: known.host, host: hostname() },
  })
}
