import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, hostname, tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { CONFIG_FILE, readConfiguration } from './configuration.ts'
import { UsageError } from './failure.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'batchwright-configuration-'))

afterAll(() => {
  rmSync(folder, { recursive: true })
})

beforeEach(() => {
  rmSync(path.join(folder, CONFIG_FILE), { force: true })
})

function write(json: unknown): void {
  writeFileSync(path.join(folder, CONFIG_FILE), typeof json === 'string' ? json : JSON.stringify(json))
}

function refusal(environment: Readonly<Record<string, string>> = {}): readonly [string, string | undefined] {
  try {
    readConfiguration(folder, environment)
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown
    expect(thrown.code).toBe('CONFIG_INVALID')
    return [thrown.message.replace(`${path.join(folder, CONFIG_FILE)}: `, ''), thrown.hint]
  }
  throw new Error('the configuration was accepted')
}

const STORE_EXAMPLE = 'for example "postgres://batch@db.example.com/batchwright"'

describe('where a setting comes from', () => {
  test('pools and tenants are named with their numbers, and other numbers are refused', () => {
    write({ pools: { db: { slots: 8 }, api: { open: false } }, tenants: { acme: { weight: 3 } } })
    const { pools, tenants } = readConfiguration(folder, { BATCHWRIGHT_TENANTS: '{"acme":{"slots":2}}' })
    expect(pools.value).toEqual({ db: { slots: 8, open: true }, api: { slots: null, open: false } })
    expect(tenants).toEqual({ value: { acme: { weight: 1, slots: 2 } }, source: 'environment' })
    for (const given of [{ db: { slots: 0 } }, { db: 8 }, { db: { places: 8 } }, [], { 'no name': {} }]) {
      write({ pools: given })
      expect(refusal()[0], JSON.stringify(given)).toContain('"pools": expected pools by name')
    }
    write({})
    expect(refusal({ BATCHWRIGHT_POOLS: 'db=8' })[0]).toContain('BATCHWRIGHT_POOLS: expected pools by name')
  })

  test('the URL of the store may stand in a file that a variable names', () => {
    const file = path.join(folder, 'store-url')
    writeFileSync(file, 'postgres://batch:secret@db/batchwright\n')
    write({ store: 'postgres://other@db/other' })
    const { store } = readConfiguration(folder, { BATCHWRIGHT_STORE_FILE: file })
    expect(store).toEqual({ value: 'postgres://batch:secret@db/batchwright', source: 'environment' })
    expect(readConfiguration(folder, { BATCHWRIGHT_STORE: 'sqlite' }).store).toEqual({
      value: null,
      source: 'environment',
    })
  })

  test('without a file and without variables every setting has its default', () => {
    expect(readConfiguration(folder, {})).toEqual({
      file: null,
      jobs: { value: ['jobs/*.{ts,mts,js,mjs}'], source: 'default' },
      state: { value: '.batchwright', source: 'default' },
      store: { value: null, source: 'default' },
      slots: { value: availableParallelism(), source: 'default' },
      slotMemory: { value: null, source: 'default' },
      workerName: { value: hostname(), source: 'default' },
      workerLease: { value: 6_000, source: 'default' },
      workerGrace: { value: 30_000, source: 'default' },
      pools: { value: {}, source: 'default' },
      tenants: { value: {}, source: 'default' },
      retention: { value: null, source: 'default' },
    })
  })

  test('the file goes before the defaults', () => {
    write({
      $schema: 'x',
      jobs: ['a/*.ts', 'b/*.ts'],
      state: '../elsewhere',
      store: 'postgres://batch@db.example.com/batchwright',
      slots: { count: 3, memory: '256MB' },
      worker: { name: 'night-1', lease: '9s', grace: '1min' },
      retention: '90d',
    })
    expect(readConfiguration(folder, {})).toEqual({
      file: path.join(folder, CONFIG_FILE),
      jobs: { value: ['a/*.ts', 'b/*.ts'], source: 'file' },
      state: { value: '../elsewhere', source: 'file' },
      store: { value: 'postgres://batch@db.example.com/batchwright', source: 'file' },
      slots: { value: 3, source: 'file' },
      slotMemory: { value: 256_000_000, source: 'file' },
      workerName: { value: 'night-1', source: 'file' },
      workerLease: { value: 9_000, source: 'file' },
      workerGrace: { value: 60_000, source: 'file' },
      pools: { value: {}, source: 'default' },
      tenants: { value: {}, source: 'default' },
      retention: { value: 90 * 86_400_000, source: 'file' },
    })
  })

  test('the environment goes before the file, and an empty variable is none', () => {
    write({ slots: { count: 3, memory: '256MB' }, state: 'a' })
    const read = readConfiguration(folder, {
      BATCHWRIGHT_SLOTS: '5',
      BATCHWRIGHT_SLOT_MEMORY: '1GiB',
      BATCHWRIGHT_STATE: '',
      BATCHWRIGHT_JOBS: 'x/*.ts',
    })
    expect(read.slots).toEqual({ value: 5, source: 'environment' })
    expect(read.slotMemory).toEqual({ value: 2 ** 30, source: 'environment' })
    expect(read.state).toEqual({ value: 'a', source: 'file' })
    expect(read.jobs).toEqual({ value: ['x/*.ts'], source: 'environment' })
  })
})

describe('what is refused says where it stands and what it should be', () => {
  test.each<[unknown, string, string]>([
    [{ job: 'x' }, 'unknown setting "job"', 'did you mean "jobs"?'],
    [{ slots: { memroy: '1GB' } }, 'unknown setting "slots.memroy"', 'did you mean "slots.memory"?'],
    [{ slots: 4 }, '"slots": expected an object, found 4', 'for example { "slots": { "count": 4 } }'],
    [{ slots: { count: 0 } }, '"slots.count": expected a whole number from 1, found 0', 'for example 4'],
    [{ slots: { count: '4' } }, '"slots.count": expected a whole number from 1, found "4"', 'for example 4'],
    [{ slots: { memory: '8MB' } }, '"slots.memory": expected a size from 32MB, found "8MB"', 'for example "256MB"'],
    [{ slots: { memory: 'lots' } }, '"slots.memory": expected a size from 32MB, found "lots"', 'for example "256MB"'],
    [{ jobs: [] }, '"jobs": expected a glob or a list of globs, found []', 'for example ["jobs/*.ts"]'],
    [{ jobs: [7] }, '"jobs": expected a glob or a list of globs, found [7]', 'for example ["jobs/*.ts"]'],
    [{ state: '' }, '"state": expected a folder, found ""', 'for example ".batchwright"'],
    [{ store: 7 }, '"store": expected a URL as postgres://user@host/database, or "sqlite", found 7', STORE_EXAMPLE],
    [{ worker: { lease: '1ms' } }, '"worker.lease": expected a duration from 300ms, found "1ms"', 'for example "6s"'],
    [{ worker: { grace: 'soon' } }, '"worker.grace": expected a duration from 1s, found "soon"', 'for example "30s"'],
    [[], 'the file: expected an object, found []', 'for example { "jobs": "jobs/*.ts" }'],
  ])('%j', (json, message, hint) => {
    write(json)
    expect(refusal()).toEqual([message, hint])
  })

  test('what is no JSON is refused with what the parser says of it', () => {
    write('{ "jobs": ')
    const [message, hint] = refusal()
    expect(message).toMatch(/^expected JSON: ./)
    expect(hint).toBe('mend the JSON, or remove the file to use the defaults')
  })

  test('the URL of the store is not told where it is refused: it may hold a password', () => {
    const url = 'mysql://batch:swordfish@db/batchwright'
    write({ store: url })
    const expected = 'expected a URL as postgres://user@host/database, or "sqlite", found something else'
    expect(refusal()).toEqual([`"store": ${expected}`, STORE_EXAMPLE])
    const file = path.join(folder, 'store-url')
    writeFileSync(file, url)
    const said = [refusal({ BATCHWRIGHT_STORE: url }), refusal({ BATCHWRIGHT_STORE_FILE: file })]
    expect(said.map(([message]) => message)).toEqual([
      `the environment variable BATCHWRIGHT_STORE: ${expected}`,
      expect.stringContaining(`found something else in ${file}`),
    ])
    expect(JSON.stringify(said)).not.toContain('swordfish')
  })

  test('of BATCHWRIGHT_STORE and BATCHWRIGHT_STORE_FILE one may be set, and the file must be readable', () => {
    const both = refusal({ BATCHWRIGHT_STORE: 'sqlite', BATCHWRIGHT_STORE_FILE: 'x' })
    expect(both[0]).toContain('found BATCHWRIGHT_STORE set, too')
    expect(refusal({ BATCHWRIGHT_STORE_FILE: path.join(folder, 'none') })[0]).toContain('cannot be read (ENOENT)')
  })

  test('a variable is named by its name', () => {
    expect(refusal({ BATCHWRIGHT_SLOTS: 'many' })).toEqual([
      'the environment variable BATCHWRIGHT_SLOTS: expected a whole number from 1, found "many"',
      'for example BATCHWRIGHT_SLOTS=4',
    ])
  })
})
