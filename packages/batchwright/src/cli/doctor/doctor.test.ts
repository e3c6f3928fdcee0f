import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { job, service } from '../../job/index.ts'
import { submitRun } from '../../engine/index.ts'
import { systemClock, type Clock } from '../../kernel/clock.ts'
import { seededRandom } from '../../kernel/random.ts'
import { openSqliteStore, type Store } from '../../store/index.ts'
import { readConfiguration } from '../configuration.ts'
import { configurationFindings } from './configuration.ts'
import { diskFindings, storageFindings } from './files.ts'
import type { Finding } from './finding.ts'
import { storeContentFindings, storeFileFindings } from './store.ts'
import { clockFindings, secretFindings } from './surroundings.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'batchwright-doctor-'))

afterAll(() => {
  rmSync(folder, { recursive: true })
})

function said(findings: readonly Finding[]): readonly (readonly [string, string | null])[] {
  return findings.map(({ level, code }) => [level, code])
}

describe('the store', () => {
  const file = path.join(folder, 'store.db')
  const damaged = path.join(folder, 'damaged.db')

  beforeAll(async () => {
    const store = await openSqliteStore({ path: file, clock: systemClock })
    await store.close()
    copyFileSync(file, damaged)
    const handle = openSync(damaged, 'r+')
    // The pages behind the header and the list of tables.
    writeSync(handle, Buffer.alloc(16_384, 0xab), 0, 16_384, 8_192)
  })

  test('that is sound is told with its version and size', () => {
    const { findings, usable } = storeFileFindings(file, folder)
    expect(said(findings)).toEqual([
      ['ok', null],
      ['ok', null],
      ['ok', null],
    ])
    expect(usable).toBe(true)
  })

  test('that is damaged fails, and is not opened for more', () => {
    const { findings, usable } = storeFileFindings(damaged, folder)
    expect(said(findings)).toContainEqual(['fail', 'STORE_CORRUPT'])
    expect(usable).toBe(false)
  })

  test('that is no store fails', () => {
    const text = path.join(folder, 'text.db')
    writeFileSync(text, 'this is no database, but long enough to be taken for the header of one'.repeat(3))
    expect(said(storeFileFindings(text, folder).findings)).toEqual([['fail', 'STORE_CORRUPT']])
  })

  test('of a newer version fails, and of another journal mode warns', () => {
    const newer = path.join(folder, 'newer.db')
    copyFileSync(file, newer)
    const database = new DatabaseSync(newer)
    database.exec("insert into migrations values (99, 'later', 99, 0); pragma journal_mode = delete")
    database.close()
    expect(said(storeFileFindings(newer, folder).findings)).toEqual([
      ['fail', 'STORE_NEWER_VERSION'],
      ['ok', null],
      ['warn', 'STORE_WITHOUT_WAL'],
    ])
  })

  test('that is not there is fine: nothing has run', () => {
    expect(storeFileFindings(path.join(folder, 'none.db'), folder)).toMatchObject({
      usable: false,
      findings: [{ level: 'ok' }],
    })
  })
})

describe('what the store holds', () => {
  const now = Date.parse('2026-03-10T12:00:00Z')
  const at = (ms: number): Clock => ({
    now: () => ms,
    monotonic: () => systemClock.monotonic(),
    sleep: (wait, signal) => systemClock.sleep(wait, signal),
    after: (wait, callback, options) => systemClock.after(wait, callback, options),
  })
  const counting = job('counting', {}, (steps) => {
    steps.function('count', {}, () => null)
  })
  const worker = { workerId: 'w', host: 'h', bootId: 'b', pid: 1, processStart: 's', leaseMs: 6_000 }

  /** Findings about a store in which a run was made at a time, and then something else was done. */
  async function findingsAfter(
    madeAt: number,
    then: (store: Store, runId: string) => Promise<unknown> = () => Promise.resolve(),
  ): Promise<readonly Finding[]> {
    const store = await openSqliteStore({ path: ':memory:', clock: at(madeAt) })
    try {
      const request = { artifact: { codeVersion: 'c', path: 'c' }, requestedBy: 'test' }
      const { run } = await submitRun(store, counting, request, { clock: at(madeAt), random: seededRandom(1) })
      await then(store, run.runId)
      return await storeContentFindings(store, now)
    } finally {
      await store.close()
    }
  }

  test('a run that nobody works on is named, with the command that goes on', async () => {
    const [left] = await findingsAfter(now - 5_000)
    expect(left).toMatchObject({ level: 'warn', code: 'RUN_LEFT' })
    expect(left?.hint).toContain('batchwright run counting goes on')
  })

  test('a run that somebody works on is none, nor is one that is paused or has ended', async () => {
    const worked = await findingsAfter(now - 5_000, (store) => store.registerWorker(worker))
    expect(said(worked)[0]).toEqual(['ok', null])
    const paused = await findingsAfter(now - 5_000, (store, runId) => store.pauseRun(runId, true, 'test'))
    expect(said(paused)[0]).toEqual(['ok', null])
    const ended = await findingsAfter(now - 5_000, (store, runId) =>
      store.cancelRun(runId, { by: 'test', why: 'test' }),
    )
    expect(said(ended)[0]).toEqual(['ok', null])
  })

  test('a worker whose lease has run out works on nothing', async () => {
    const left = await findingsAfter(now - 60_000, (store) => store.registerWorker(worker))
    expect(said(left)[0]).toEqual(['warn', 'RUN_LEFT'])
  })

  test('a time that has not come yet shows a clock that was set back', async () => {
    expect(said(await findingsAfter(now + 3_600_000))).toContainEqual(['fail', 'CLOCK_BEHIND_STORE'])
  })
})

describe('the surroundings', () => {
  test('a clock that jumps fails, old rules of time zones warn', () => {
    const began = { wall: Date.parse('2026-03-10T12:00:00Z'), steady: 100 }
    const later = (ms: number) => ({ wall: began.wall + ms, steady: 1_100 })
    expect(said(clockFindings(began, later(1_000), '2026a'))).toEqual([
      ['ok', null],
      ['ok', null],
    ])
    expect(said(clockFindings(began, later(-3_600_000), '2023c'))).toEqual([
      ['fail', 'CLOCK_JUMPED'],
      ['warn', 'TIME_ZONES_OLD'],
    ])
  })

  test('a secret is present or not, and its value is never said', async () => {
    const mail = service('mail', { secrets: ['MAIL_PASSWORD', 'MAIL_USER'], open: () => ({}) })
    const sending = job('sending', {}, (steps) => {
      steps.function('send', {}, () => null)
    })
    const [step] = sending.steps
    if (step === undefined) throw new Error('expected a step')
    const withService = { ...sending, steps: [{ ...step, services: new Map([['mail', mail]]) }] }
    const findings = await secretFindings([withService], { MAIL_PASSWORD: 'swordfish' })
    expect(said(findings)).toEqual([
      ['ok', null],
      ['fail', 'SECRET_MISSING'],
    ])
    expect(JSON.stringify(findings)).not.toContain('swordfish')
  })

  test('a variable that is nearly a setting is told with the setting', () => {
    const environment = { BATCHWRIGHT_SLOTZ: '3', BATCHWRIGHT_REAL_DATA: '/x' }
    const findings = configurationFindings(readConfiguration(folder, environment), environment, 64e9)
    expect(findings.filter(({ level }) => level !== 'ok')).toEqual([
      expect.objectContaining({ code: 'VARIABLE_UNKNOWN', hint: 'did you mean BATCHWRIGHT_SLOTS?' }),
    ])
  })

  test('the store is shown without its password, and a password in the configuration file warns', () => {
    const project = mkdtempSync(path.join(folder, 'configured-'))
    writeFileSync(
      path.join(project, 'batchwright.config.json'),
      JSON.stringify({ store: 'postgres://batch:swordfish@db.example.com/jobs?password=swordfish' }),
    )
    const findings = configurationFindings(readConfiguration(project, {}), {}, 64e9)
    expect(findings.map(({ message }) => message)).toContain(
      'store = postgres://batch@db.example.com/jobs (from batchwright.config.json)',
    )
    expect(said(findings)).toContainEqual(['warn', 'STORE_PASSWORD_IN_FILE'])
    expect(JSON.stringify(findings)).not.toContain('swordfish')
  })

  test('each setting is told with where it came from, and too much memory warns', () => {
    const environment = { BATCHWRIGHT_SLOTS: '8', BATCHWRIGHT_SLOT_MEMORY: '2GB' }
    const findings = configurationFindings(readConfiguration(folder, environment), environment, 8e9)
    expect(findings.map(({ message }) => message)).toContain('slots.count = 8 (from BATCHWRIGHT_SLOTS)')
    expect(findings.map(({ message }) => message)).toContain('state = .batchwright (the default)')
    expect(said(findings)).toContainEqual(['warn', 'MEMORY_BEYOND_MACHINE'])
  })
})

describe('folders', () => {
  test('free space is held against what the last run wrote', async () => {
    const written = [{ what: 'state', folder }]
    expect(said(await diskFindings(written, 0))).toEqual([['ok', null]])
    expect(said(await diskFindings(written, Number.MAX_SAFE_INTEGER / 4))).toEqual([['fail', 'DISK_FULL']])
  })

  test('linking and flushing are tried, and nothing is left of it', async () => {
    const target = path.join(folder, 'target')
    mkdirSync(target)
    const findings = await storageFindings([{ what: 'dataset a', folder: path.join(target, 'not-yet') }], systemClock)
    expect(said(findings)).toEqual([['ok', null]])
    expect(findings[0]?.message).toContain(target)
    expect(readdirSync(target)).toEqual([])
  })

  test('a file system that takes no files fails', async () => {
    symlinkSync('/proc', path.join(folder, 'proc'))
    const findings = await storageFindings([{ what: 'dataset a', folder: path.join(folder, 'proc') }], systemClock)
    expect(said(findings)).toEqual([['fail', 'STORAGE_UNUSABLE']])
  })
})
