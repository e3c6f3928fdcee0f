/**
 * The settings of a project: what they are called, what they may be, and where each value came from. A flag goes before the
 * environment, that before `batchwright.config.json`, that before the default.
 */
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism, hostname } from 'node:os'
import path from 'node:path'
import { BatchwrightError } from '../kernel/errors.ts'
import type { Duration, Size } from '../kernel/units.ts'
import { parseDuration, parseSize } from '../kernel/units.ts'
import { usageError } from './failure.ts'
import { parsed, readPools, readTenants, type ConfiguredPool, type ConfiguredTenant } from './lanes-settings.ts'
import { suggestion } from './suggest.ts'

export const CONFIG_FILE = 'batchwright.config.json'

export type SettingSource = 'environment' | 'file' | 'default'

/** A value, and where it came from. */
export interface Setting<Value> {
  readonly value: Value
  readonly source: SettingSource
}

export interface Configuration {
  /** Absolute path of the file; null where there is none. */
  readonly file: string | null
  /** `jobs`: globs of the job files, from the project's folder. Default `jobs/*.{ts,mts,js,mjs}`. */
  readonly jobs: Setting<readonly string[]>
  /** `state`: the folder of the store and of what runs keep, from the project's folder. Default `.batchwright`. */
  readonly state: Setting<string>
  /** `store`: URL of a PostgreSQL database. Null: SQLite in the state folder. May hold a password: never print it. */
  readonly store: Setting<string | null>
  /** `slots.count`: attempts at a time. Default: one for each core. */
  readonly slots: Setting<number>
  /** `slots.memory`: bytes that the records and state of one slot may take. Null: the executor's own default. */
  readonly slotMemory: Setting<number | null>
  /** `worker.name`: for people. Default: the host's name. */
  readonly workerName: Setting<string>
  /** `worker.lease`: milliseconds after which a worker that does not renew is taken for dead. Default 6,000. */
  readonly workerLease: Setting<number>
  /** `worker.grace`: milliseconds from the first signal to the end of the process. Default 30,000. */
  readonly workerGrace: Setting<number>
  /** `pools`: places by name of the pool. Default: none; a pool that nobody has set has no limit. */
  readonly pools: Setting<Readonly<Record<string, ConfiguredPool>>>
  /** `tenants`: weight and most tasks at once by name. Default: none; weight 1 and no limit. */
  readonly tenants: Setting<Readonly<Record<string, ConfiguredTenant>>>
  /** `retention`: milliseconds for which tasks, attempts and events of ended runs are kept. Null, the default: for ever. */
  readonly retention: Setting<number | null>
}

/** How one setting is written, and read. */
interface SettingSpec<Value> {
  /** Its key in the file, with dots. */
  readonly key: string
  readonly variable: string
  /** The flag that goes before both; null where there is none. */
  readonly flag: string | null
  readonly what: string
  readonly expected: string
  /** As it stands in the file. */
  readonly example: string
  readonly preset: () => Value
  /** From JSON; undefined where it is none. */
  readonly fromJson: (json: unknown) => Value | undefined
  /** From the text of an environment variable; undefined where it is none. */
  readonly fromText: (text: string) => Value | undefined
  /** What was found is not told where it is refused. */
  readonly secret?: boolean
}

const JOBS: SettingSpec<readonly string[]> = {
  key: 'jobs',
  variable: 'BATCHWRIGHT_JOBS',
  flag: null,
  what: 'globs of the job files',
  expected: 'a glob or a list of globs',
  example: '["jobs/*.ts"]',
  preset: () => ['jobs/*.{ts,mts,js,mjs}'],
  fromJson: (json) => {
    const globs: readonly unknown[] = Array.isArray(json) ? json : [json]
    const texts = globs.filter((glob) => typeof glob === 'string' && glob !== '')
    return texts.length === globs.length && texts.length > 0 ? texts.map(String) : undefined
  },
  fromText: (text) => [text],
}

const STATE: SettingSpec<string> = {
  key: 'state',
  variable: 'BATCHWRIGHT_STATE',
  flag: null,
  what: 'folder of the store and of what runs keep',
  expected: 'a folder',
  example: '".batchwright"',
  preset: () => '.batchwright',
  fromJson: (json) => (typeof json === 'string' && json !== '' ? json : undefined),
  fromText: (text) => text,
}

/** Names a file that holds the store's URL, as container platforms mount secrets. */
export const STORE_FILE_VARIABLE = 'BATCHWRIGHT_STORE_FILE'
/** The store in the state folder, where the configuration file names another one. */
const EMBEDDED = 'sqlite'

const STORE: SettingSpec<string | null> = {
  key: 'store',
  variable: 'BATCHWRIGHT_STORE',
  flag: null,
  what: 'the store: a PostgreSQL database, or SQLite in the state folder',
  expected: 'a URL as postgres://user@host/database, or "sqlite"',
  example: '"postgres://batch@db.example.com/batchwright"',
  preset: () => null,
  fromJson: (json) => (typeof json === 'string' ? STORE.fromText(json) : undefined),
  fromText: (text) => {
    if (text === EMBEDDED) return null
    return /^postgres(ql)?:\/\//.test(text) && URL.canParse(text) ? text : undefined
  },
  secret: true,
}

/** A slot's own code and libraries take some 20 MB before the first record. */
const LEAST_SLOT_MEMORY = 32_000_000

const COUNT: SettingSpec<number> = {
  key: 'slots.count',
  variable: 'BATCHWRIGHT_SLOTS',
  flag: '--slots',
  what: 'attempts at a time',
  expected: 'a whole number from 1',
  example: '4',
  preset: availableParallelism,
  fromJson: (json) => (Number.isSafeInteger(json) && Number(json) >= 1 ? Number(json) : undefined),
  fromText: (text) => COUNT.fromJson(Number(text)),
}

const MEMORY: SettingSpec<number | null> = {
  key: 'slots.memory',
  variable: 'BATCHWRIGHT_SLOT_MEMORY',
  flag: '--slot-memory',
  what: "memory of one slot's heap",
  expected: 'a size from 32MB',
  example: '"256MB"',
  preset: () => null,
  fromJson: (json) => (typeof json === 'string' ? readSlotMemory(json) : undefined),
  fromText: (text) => readSlotMemory(text),
}

const WORKER_NAME: SettingSpec<string> = {
  key: 'worker.name',
  variable: 'BATCHWRIGHT_WORKER_NAME',
  flag: '--name',
  what: "a worker's name, for people",
  expected: 'a name',
  example: '"night-1"',
  preset: hostname,
  fromJson: (json) => (typeof json === 'string' && json !== '' ? json : undefined),
  fromText: (text) => text,
}

const LEASE: SettingSpec<number> = durationSetting({
  key: 'worker.lease',
  variable: 'BATCHWRIGHT_WORKER_LEASE',
  flag: null,
  what: 'a worker that does not renew its lease for so long is taken for dead; renewed three times as often',
  leastMs: 300,
  presetMs: 6_000,
  example: '6s',
})

const GRACE: SettingSpec<number> = durationSetting({
  key: 'worker.grace',
  variable: 'BATCHWRIGHT_WORKER_GRACE',
  flag: '--grace',
  what: 'from SIGTERM to the end of a worker',
  leastMs: 1_000,
  presetMs: 30_000,
  example: '30s',
})

/** Somebody may still look into what was done an hour ago. */
const LEAST_RETENTION_MS = 3_600_000

const RETENTION: SettingSpec<number | null> = {
  key: 'retention',
  variable: 'BATCHWRIGHT_RETENTION',
  flag: null,
  what: 'for how long tasks, attempts and events of runs that have ended are kept',
  expected: 'a duration from 1h',
  example: '"90d"',
  preset: () => null,
  fromJson: (json) => (typeof json === 'string' ? RETENTION.fromText(json) : undefined),
  fromText: (text) => readDuration(text, RETENTION.key, LEAST_RETENTION_MS),
}

const POOLS: SettingSpec<Readonly<Record<string, ConfiguredPool>>> = {
  key: 'pools',
  variable: 'BATCHWRIGHT_POOLS',
  flag: null,
  what: 'pools: how many of their tasks are worked on at once, over all workers',
  expected: 'pools by name, each with its slots (from 1, or null) and open (true or false)',
  example: '{"db":{"slots":8}}',
  preset: () => ({}),
  fromJson: readPools,
  fromText: (text) => readPools(parsed(text)),
}

const TENANTS: SettingSpec<Readonly<Record<string, ConfiguredTenant>>> = {
  key: 'tenants',
  variable: 'BATCHWRIGHT_TENANTS',
  flag: null,
  what: 'tenants: their shares of the slots, and most tasks at once',
  expected: 'tenants by name, each with its weight (from 1) and slots (from 1, or null)',
  example: '{"acme":{"weight":3,"slots":20}}',
  preset: () => ({}),
  fromJson: readTenants,
  fromText: (text) => readTenants(parsed(text)),
}

function durationSetting(given: {
  readonly key: string
  readonly variable: string
  readonly flag: string | null
  readonly what: string
  readonly leastMs: number
  readonly presetMs: number
  readonly example: string
}): SettingSpec<number> {
  const { key, variable, flag, what, leastMs, presetMs, example } = given
  const fromText = (text: string): number | undefined => readDuration(text, key, leastMs)
  return {
    key,
    variable,
    flag,
    what,
    expected: `a duration from ${leastMs < 1_000 ? `${leastMs}ms` : `${leastMs / 1_000}s`}`,
    example: `"${example}"`,
    preset: () => presetMs,
    fromJson: (json) => (typeof json === 'string' ? fromText(json) : undefined),
    fromText,
  }
}

/** Every setting: for documentation, `doctor` and completion. */
export const SETTINGS: readonly Pick<
  SettingSpec<unknown>,
  'key' | 'variable' | 'flag' | 'what' | 'expected' | 'example' | 'secret'
>[] = [JOBS, STATE, STORE, COUNT, MEMORY, WORKER_NAME, LEASE, GRACE, POOLS, TENANTS, RETENTION]

/** Bytes of a slot's memory as written on a command line or in the file; undefined where it is no such size. */
export function readSlotMemory(text: string): number | undefined {
  try {
    // What is no size is told by the error, not by the type.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
    const bytes = parseSize(text as Size, MEMORY.key)
    return bytes >= LEAST_SLOT_MEMORY ? bytes : undefined
  } catch (thrown) {
    if (thrown instanceof BatchwrightError && thrown.code === 'UNIT_INVALID') return undefined
    throw thrown
  }
}

/** Milliseconds of a worker's grace as written on a command line; undefined where it is no such duration. */
export function readGrace(text: string): number | undefined {
  return GRACE.fromText(text)
}

/** Milliseconds; undefined where the text is no duration, or a shorter one. */
export function readDuration(text: string, key: string, leastMs: number): number | undefined {
  try {
    // What is no duration is told by the error, not by the type.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
    const ms = parseDuration(text as Duration, key)
    return ms >= leastMs ? ms : undefined
  } catch (thrown) {
    if (thrown instanceof BatchwrightError && thrown.code === 'UNIT_INVALID') return undefined
    throw thrown
  }
}

/** Reads the settings of a project's folder. Throws CONFIG_INVALID, which names the key or the variable. */
export function readConfiguration(
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
): Configuration {
  const file = path.join(folder, CONFIG_FILE)
  const values = existsSync(file) ? readFile(file) : null
  const read = <Value>(spec: SettingSpec<Value>): Setting<Value> => {
    const text = environment[spec.variable]
    if (text !== undefined && text !== '') {
      const value = spec.fromText(text)
      if (value === undefined) throw invalidVariable(spec, text)
      return { value, source: 'environment' }
    }
    const json = values?.get(spec.key)
    if (json === undefined) return { value: spec.preset(), source: 'default' }
    const value = spec.fromJson(json)
    if (value === undefined) throw invalidValue(file, spec, json)
    return { value, source: 'file' }
  }
  return {
    file: values === null ? null : file,
    jobs: read(JOBS),
    state: read(STATE),
    store: readStore(environment) ?? read(STORE),
    slots: read(COUNT),
    slotMemory: read(MEMORY),
    workerName: read(WORKER_NAME),
    workerLease: read(LEASE),
    workerGrace: read(GRACE),
    pools: read(POOLS),
    tenants: read(TENANTS),
    retention: read(RETENTION),
  }
}

/** The store's URL from the file that a variable names; null where none does. */
function readStore(environment: Readonly<Record<string, string | undefined>>): Setting<string | null> | null {
  const named = environment[STORE_FILE_VARIABLE] ?? ''
  if (named === '') return null
  const refused = (found: string): Error =>
    usageError({
      code: 'CONFIG_INVALID',
      message: `the environment variable ${STORE_FILE_VARIABLE}: expected the path of a file that holds ${STORE.expected}, found ${found}`,
      hint: `the file has one line, as ${STORE.example.replaceAll('"', '')}; it must be readable for the user of this process`,
      details: { variable: STORE_FILE_VARIABLE, path: named },
    })
  if ((environment[STORE.variable] ?? '') !== '') throw refused(`${STORE.variable} set, too: only one of them may be`)
  let text: string
  try {
    text = readFileSync(named, 'utf8').trim()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw refused(`${named}, which cannot be read (${code})`)
  }
  const value = STORE.fromText(text)
  if (value === undefined) throw refused(`something else in ${named}`)
  return { value, source: 'environment' }
}

/** The file's values by their keys with dots. Throws CONFIG_INVALID for anything that it does not know. */
function readFile(file: string): ReadonlyMap<string, unknown> {
  let json: unknown
  try {
    json = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw refuse(file, `expected JSON: ${error instanceof Error ? error.message : String(error)}`, MEND)
  }
  const values = new Map<string, unknown>()
  for (const [key, value] of Object.entries(objectIn(file, json, 'the file'))) {
    if (key === '$schema') continue
    const inside = SETTINGS.filter((spec) => spec.key.startsWith(`${key}.`))
    if (inside.length === 0) values.set(known(file, key), value)
    else {
      for (const [name, each] of Object.entries(objectIn(file, value, `"${key}"`))) {
        values.set(known(file, `${key}.${name}`), each)
      }
    }
  }
  return values
}

const MEND = 'mend the JSON, or remove the file to use the defaults'

function objectIn(file: string, value: unknown, place: string): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  const example = place === '"slots"' ? '{ "slots": { "count": 4 } }' : '{ "jobs": "jobs/*.ts" }'
  throw refuse(file, `${place}: expected an object, found ${JSON.stringify(value)}`, `for example ${example}`)
}

function known(file: string, key: string): string {
  const keys = SETTINGS.map((spec) => spec.key)
  if (keys.includes(key)) return key
  throw refuse(file, `unknown setting ${JSON.stringify(key)}`, suggestion(key, keys, 'batchwright doctor'))
}

type Named = (typeof SETTINGS)[number]

function invalidValue(file: string, spec: Named, found: unknown): Error {
  const { key, expected, example } = spec
  return refuse(file, `"${key}": expected ${expected}, found ${told(spec, found)}`, `for example ${example}`)
}

function invalidVariable(spec: Named, found: string): Error {
  const { variable, expected, example } = spec
  return usageError({
    code: 'CONFIG_INVALID',
    message: `the environment variable ${variable}: expected ${expected}, found ${told(spec, found)}`,
    hint: `for example ${variable}=${example.replaceAll(/["[\]]/g, '')}`,
    details: { variable, ...(spec.secret === true ? {} : { found }) },
  })
}

/** A secret's text is not shown, not even where it is no secret by mistake. */
function told({ secret }: Named, found: unknown): string {
  return secret === true && typeof found === 'string' ? 'something else' : JSON.stringify(found)
}

function refuse(file: string, message: string, hint: string): Error {
  return usageError({ code: 'CONFIG_INVALID', message: `${file}: ${message}`, hint, details: { file } })
}
