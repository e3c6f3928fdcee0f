import path from 'node:path'
import { DEFAULT_SLOT_HEAP_BYTES } from '../../executors/index.ts'
import { shownAddress } from '../../store/index.ts'
import type { Configuration, Setting } from '../configuration.ts'
import { SETTINGS, STORE_FILE_VARIABLE } from '../configuration.ts'
import { bytes, duration, plural } from '../render/text.ts'
import { nearest } from '../suggest.ts'
import { ok, warn, type Finding } from './finding.ts'

/** Variables that are read beside those of the settings. */
const OTHER_VARIABLES = ['BATCHWRIGHT_PROJECT', STORE_FILE_VARIABLE]

/** Each setting with where it came from; variables that are nearly one; memory that the machine does not have. */
export function configurationFindings(
  configuration: Configuration,
  environment: Readonly<Record<string, string | undefined>>,
  machineMemory: number,
): readonly Finding[] {
  const { file, jobs, state, store, slots, slotMemory, workerLease, workerGrace } = configuration
  const from = ({ source }: Setting<unknown>, key: string): string => {
    if (source === 'file') return `from ${path.basename(file ?? '')}`
    if (source === 'default') return 'the default'
    return `from ${SETTINGS.find((setting) => setting.key === key)?.variable ?? 'the environment'}`
  }
  const memory = slotMemory.value === null ? "the executor's own" : bytes(slotMemory.value)
  return [
    ok('configuration', file ?? 'no configuration file'),
    ok('configuration', `jobs = ${jobs.value.join(', ')} (${from(jobs, 'jobs')})`),
    ok('configuration', `state = ${state.value} (${from(state, 'state')})`),
    ok('configuration', `store = ${shownStore(store.value)} (${from(store, 'store')})`),
    ...passwordInFile(store, file),
    ok('configuration', `slots.count = ${slots.value} (${from(slots, 'slots.count')})`),
    ok('configuration', `slots.memory = ${memory} (${from(slotMemory, 'slots.memory')})`),
    ok('configuration', `worker.lease = ${duration(workerLease.value)} (${from(workerLease, 'worker.lease')})`),
    ok('configuration', `worker.grace = ${duration(workerGrace.value)} (${from(workerGrace, 'worker.grace')})`),
    ...mistyped(environment),
    ...tooMuch(slots.value, slotMemory.value ?? DEFAULT_SLOT_HEAP_BYTES, machineMemory),
  ]
}

function shownStore(url: string | null): string {
  return url === null ? 'SQLite in the state folder' : shownAddress({ kind: 'postgres', url })
}

/** The file is likely to be kept with the code, where more people read it than may know the password. */
function passwordInFile(store: Setting<string | null>, file: string | null): readonly Finding[] {
  if (store.value === null || store.source !== 'file') return []
  const { password, searchParams } = new URL(store.value)
  if (password === '' && !searchParams.has('password')) return []
  return [
    warn(
      'configuration',
      'STORE_PASSWORD_IN_FILE',
      `${path.basename(file ?? '')} holds the password of the store`,
      `take it out, and set ${STORE_FILE_VARIABLE} (a file with the URL), BATCHWRIGHT_STORE or PGPASSWORD where Batchwright is started`,
    ),
  ]
}

const PREFIX = 'BATCHWRIGHT_'

function withoutPrefix(name: string): string {
  return name.slice(PREFIX.length)
}

function mistyped(environment: Readonly<Record<string, string | undefined>>): readonly Finding[] {
  const known = [...SETTINGS.map((setting) => setting.variable), ...OTHER_VARIABLES].map(withoutPrefix)
  return Object.keys(environment)
    .filter((name) => name.startsWith(PREFIX) && !known.includes(withoutPrefix(name)))
    .flatMap((name) => {
      // Jobs may have variables of their own, so that only what is nearly one of ours is told.
      const near = nearest(withoutPrefix(name), known)
      if (near === null) return []
      const hint = `did you mean ${PREFIX}${near}?`
      return [warn('configuration', 'VARIABLE_UNKNOWN', `nothing reads the variable ${name}`, hint)]
    })
}

function tooMuch(slots: number, memory: number, machineMemory: number): readonly Finding[] {
  if (slots * memory <= machineMemory) return []
  return [
    warn(
      'configuration',
      'MEMORY_BEYOND_MACHINE',
      `${plural(slots, 'slot')} of ${bytes(memory)} are more than this machine has (${bytes(machineMemory)})`,
      'lower slots.count or slots.memory',
    ),
  ]
}
