import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../kernel/clock.ts'
import { SettableClock } from '../conformance/index.ts'
import { newRun, newWorker, partitions, step } from '../conformance/world.ts'
import { MIGRATIONS, type Migration } from '../migrations/index.ts'
import { migrate } from './migrations.ts'
import { networkFileSystem, openSqliteStore } from './open.ts'
import { SqliteSession } from './session.ts'

let folder = ''
let path = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'batchwright-store-'))
  path = join(folder, 'state', 'store.db')
  mkdirSync(join(folder, 'state'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

const opened = (): Promise<unknown> => openSqliteStore({ path, clock: systemClock })

describe('a file that is not a sound store', () => {
  it('that is no database is refused with its path and the remedy', async () => {
    writeFileSync(path, 'this is not a database, it is a note of more than a hundred bytes '.repeat(20))
    await expect(opened()).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringContaining(path) as string,
      hint: expect.stringContaining('Restore') as string,
    })
  })

  it('that was cut short is refused', async () => {
    const store = await openSqliteStore({ path, clock: systemClock })
    await store.createRun(newRun('run-1', [step('a')]))
    await store.close()
    truncateSync(path, Math.floor(statSync(path).size / 2))
    await expect(
      (async () => {
        const again = await openSqliteStore({ path, clock: systemClock })
        try {
          for (const read of [again.listSteps('run-1'), again.listEvents({ after: 0 }), again.listTasks('run-1')]) {
            await read
          }
          await again.createRun(newRun('run-2', [step('a')]))
        } finally {
          await again.close()
        }
      })(),
    ).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
  })

  it('that is damaged while somebody waits for a change wakes them: their next call says what it is', async () => {
    const store = await openSqliteStore({ path, clock: systemClock })
    await store.createRun(newRun('run-1', [step('a')]))
    await store.waitForChange(0)
    const wait = store.waitForChange(60_000)
    const size = statSync(path).size
    const other = new DatabaseSync(path)
    other.exec('pragma wal_checkpoint(truncate)')
    writeFileSync(path, Buffer.alloc(Math.max(size, 4096), 7))
    await wait
    other.close()
    await expect(store.listEvents({ after: 0 })).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
    await store.close()
  })

  it("that is another program's database is refused, and left as it was", async () => {
    const database = new DatabaseSync(path)
    database.exec('create table recipes (name text)')
    database.close()
    await expect(opened()).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringContaining('recipes') as string,
    })
    const after = new DatabaseSync(path)
    expect(after.prepare('select count(*) as tables from sqlite_schema').get()).toMatchObject({ tables: 1 })
    after.close()
  })

  it('in a folder that cannot be made or written is refused', async () => {
    writeFileSync(join(folder, 'file'), '')
    await expect(openSqliteStore({ path: join(folder, 'file', 'store.db'), clock: systemClock })).rejects.toMatchObject(
      { code: 'STORE_UNWRITABLE', retryable: true },
    )
    mkdirSync(path)
    await expect(opened()).rejects.toMatchObject({ code: 'STORE_UNWRITABLE' })
  })

  it('in a folder that is read-only is refused', async () => {
    chmodSync(folder, 0o755)
    chmodSync(join(folder, 'state'), 0o555)
    // Permissions do not hold the superuser back: the test becomes nobody for a moment.
    const superuser = process.geteuid?.() === 0
    if (superuser) process.seteuid?.(65_534)
    try {
      await expect(opened()).rejects.toMatchObject({ code: 'STORE_UNWRITABLE', retryable: true })
    } finally {
      if (superuser) process.seteuid?.(0)
      chmodSync(join(folder, 'state'), 0o755)
    }
  })

  it('on a network file system is recognised by its number', () => {
    expect([0x6969, 0xff534d42, 0xff534d42 | 0].map(networkFileSystem)).toEqual(['NFS', 'CIFS', 'CIFS'])
    expect([0xef53, 0x01021994, 0x9123683e].map(networkFileSystem)).toEqual([undefined, undefined, undefined])
  })
})

describe('a full disk', () => {
  it('refuses the call that did not fit, keeps what was acknowledged, and goes on when there is room', async () => {
    const store = await openSqliteStore({ path, clock: systemClock, maxBytes: 400_000 })
    await store.createRun(newRun('run-1', [step('a')]))
    await store.registerWorker(newWorker('w'))
    const [task] = await store.claim({ workerId: 'w', claimId: 'c', limit: 1 })
    if (task === undefined) throw new Error('expected the plan task')
    const big = partitions(5000)
    await expect(store.addPartitions(task, big)).rejects.toMatchObject({ code: 'STORE_FULL', retryable: true })
    expect(await store.listTasks('run-1')).toHaveLength(1)
    expect(await store.start([task])).toEqual(['done'])
    await store.close()
    const roomy = await openSqliteStore({ path, clock: systemClock })
    expect(await roomy.addPartitions(task, big)).toBe('done')
    await roomy.close()
  })
})

const NEWEST = MIGRATIONS.at(-1)?.version ?? 0

describe('versions of the store', () => {
  const next: Migration = {
    version: NEWEST + 1,
    name: 'a column more',
    oldestCompatible: 1,
    sqlite: 'alter table runs add column colour text',
    postgres: null,
  }

  async function migrated(...more: readonly Migration[]): Promise<void> {
    const store = await openSqliteStore({ path, clock: systemClock })
    await store.close()
    const session = new SqliteSession(new DatabaseSync(path))
    await migrate(session, path, systemClock, true, [...MIGRATIONS, ...more])
    session.close()
  }

  it('a store of a newer version is refused, with both versions and what to do', async () => {
    await migrated({ ...next, oldestCompatible: next.version })
    await expect(opened()).rejects.toMatchObject({
      code: 'STORE_NEWER_VERSION',
      message: expect.stringMatching(new RegExp(`version ${NEWEST} .*version ${next.version}`)) as string,
      hint: expect.stringContaining('Upgrade') as string,
      details: { storeVersion: next.version, knownVersion: NEWEST },
    })
  })

  it('a newer store that still admits this version is opened and left as it is', async () => {
    await migrated(next)
    const store = await openSqliteStore({ path, clock: systemClock })
    expect((await store.createRun(newRun('run-1', [step('a')]))).created).toBe(true)
    await store.close()
  })

  it('an older store is migrated, or refused where that was asked for', async () => {
    await expect(openSqliteStore({ path, clock: systemClock, migrate: false })).rejects.toMatchObject({
      code: 'STORE_OLDER_VERSION',
    })
    await migrated()
    await (await openSqliteStore({ path, clock: systemClock, migrate: false })).close()
  })

  it('many openers of a new file migrate it once', async () => {
    const stores = await Promise.all(Array.from({ length: 8 }, () => openSqliteStore({ path, clock: systemClock })))
    for (const store of stores) await store.close()
    const database = new DatabaseSync(path)
    expect(database.prepare('select count(*) as applied from migrations').get()).toMatchObject({
      applied: MIGRATIONS.length,
    })
    database.close()
  })
})

describe('the writer', () => {
  it('waits for a lock that another process holds, without blocking the thread', async () => {
    const store = await openSqliteStore({ path, clock: systemClock })
    const other = new DatabaseSync(path)
    other.exec('begin immediate')
    let answered = false
    const call = store.createRun(newRun('run-1', [step('a')])).then(() => {
      answered = true
    })
    for (let turn = 0; turn < 20; turn += 1) await systemClock.sleep(1)
    expect(answered).toBe(false)
    expect(await store.getRun('run-1')).toBeNull()
    other.exec('commit')
    await call
    expect(await store.getRun('run-1')).not.toBeNull()
    other.close()
    await store.close()
  })

  it('tells the caller when the lock is never given back', async () => {
    const clock = new SettableClock()
    const store = await openSqliteStore({ path, clock })
    const other = new DatabaseSync(path)
    other.exec('begin immediate')
    let failure: unknown
    const call = store.createRun(newRun('run-1', [step('a')])).catch((thrown: unknown) => {
      failure = thrown
    })
    while (failure === undefined) {
      clock.advance(1000)
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    await call
    expect(failure).toMatchObject({ code: 'STORE_BUSY', retryable: true })
    other.exec('commit')
    other.close()
    await store.close()
  })

  it('refuses calls after it was closed', async () => {
    const store = await openSqliteStore({ path: ':memory:', clock: systemClock })
    const waiting = store.waitForChange(1e8)
    await store.close()
    await waiting
    await expect(store.getRun('run-1')).rejects.toMatchObject({ code: 'STORE_CLOSED' })
    await expect(store.reap([], { crashes: 1 })).rejects.toMatchObject({ code: 'STORE_CLOSED' })
    await store.waitForChange(1e8)
  })
})
