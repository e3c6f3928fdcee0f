import { expect, it } from 'vitest'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { NewStorage } from '../contract/index.ts'
import type { OpenWorld } from './index.ts'
import { LEASE_MS, newRun, step, type World } from './world.ts'

const STORAGE: NewStorage = { id: 'disk-1', stateFolder: '/srv/state', projectFolder: '/srv/project', host: 'left' }

function register(world: World, workerId: string, facts: { readonly storage?: string; readonly slots?: number } = {}) {
  const process = { host: 'right', bootId: 'boot', pid: 7, processStart: '1' }
  return world.store.registerWorker({ workerId, ...process, leaseMs: LEASE_MS, ...facts })
}

async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call
  } catch (thrown) {
    if (thrown instanceof BatchwrightError) return thrown.code
    throw thrown
  }
  return 'not refused'
}

export function fleetRules(open: OpenWorld): void {
  it('one of several leads a duty; it keeps the lead while it renews it, by the store clock', async () => {
    const { store, clock } = await open()
    expect(await store.lead('duty', 'left', 1_000)).toBe('left')
    expect(await store.lead('duty', 'right', 1_000)).toBe('left')
    clock.advance(900)
    expect(await store.lead('duty', 'left', 1_000)).toBe('left')
    clock.advance(999)
    expect(await store.lead('duty', 'right', 1_000)).toBe('left')
    clock.advance(1)
    expect(await store.lead('duty', 'right', 1_000)).toBe('right')
    expect(await store.lead('duty', 'left', 1_000)).toBe('right')
  })

  it('a lead that is given up is free at once; nobody gives up the lead of another; duties are apart', async () => {
    const { store } = await open()
    await store.lead('duty', 'left', 1_000)
    expect(await store.lead('duty', 'right', 0)).toBe('left')
    expect(await store.lead('another', 'right', 1_000)).toBe('right')
    expect(await store.lead('duty', 'left', 0)).toBeNull()
    expect(await store.lead('duty', 'right', 1_000)).toBe('right')
  })

  it('of many that ask for a free lead at once, one has it and all are told the same', async () => {
    const world = await open()
    const again = await world.again()
    const holders = ['a', 'b', 'c', 'd', 'e', 'f']
    const told = await Promise.all(
      holders.map((holder, index) => (index % 2 === 0 ? world.store : again).lead('duty', holder, 1_000)),
    )
    expect(new Set(told).size).toBe(1)
  })

  it('an artifact is kept by its hash; one that is there stays as it is', async () => {
    const { store } = await open()
    expect(await store.getArtifact('hash-1')).toBeNull()
    const code = `export default ${JSON.stringify('x'.repeat(100_000))} // ü\n`
    await store.putArtifact('hash-1', { code, map: null })
    await store.putArtifact('hash-1', { code: 'other', map: '{}' })
    await store.putArtifact('hash-2', { code: 'two', map: '{"version":3}' })
    expect(await store.getArtifact('hash-1')).toEqual({ code, map: null })
    expect(await store.getArtifact('hash-2')).toEqual({ code: 'two', map: '{"version":3}' })
  })

  it('the first to name the storage names it; whoever comes later is told which one stands', async () => {
    const world = await open()
    expect(await world.store.getStorage()).toBeNull()
    const again = await world.again()
    const named = await Promise.all([
      world.store.nameStorage(STORAGE, null),
      again.nameStorage({ ...STORAGE, id: 'disk-2', host: 'right' }, null),
    ])
    expect(new Set(named.map(({ id }) => id)).size).toBe(1)
    expect(await again.getStorage()).toEqual(named[0])
  })

  it('a worker that does not see the named storage is refused, and claims nothing', async () => {
    const world = await open()
    await world.store.createRun(newRun('run-1', [step('a')]))
    await world.store.nameStorage(STORAGE, null)
    expect(await refusal(register(world, 'blind'))).toBe('STORAGE_NOT_SHARED')
    expect(await refusal(register(world, 'elsewhere', { storage: 'disk-2' }))).toBe('STORAGE_NOT_SHARED')
    const claim = { claimId: 'claim', limit: 10 }
    expect(await world.store.claim({ workerId: 'elsewhere', ...claim })).toEqual([])
    await register(world, 'seeing', { storage: 'disk-1' })
    expect(await world.store.claim({ workerId: 'seeing', ...claim })).toHaveLength(1)
  })

  it('another storage takes its place only while nobody works and no run is unfinished', async () => {
    const world = await open()
    await world.store.nameStorage(STORAGE, null)
    const other = { ...STORAGE, id: 'disk-2' }
    const named = async (storage: NewStorage, instead: string): Promise<string> =>
      (await world.store.nameStorage(storage, instead)).id
    await register(world, 'at-work', { storage: 'disk-1' })
    expect(await named(other, 'disk-1')).toBe('disk-1')
    await world.store.retireWorker('at-work')
    expect(await named(other, 'not it')).toBe('disk-1')
    expect(await named(other, 'disk-1')).toBe('disk-2')
    await world.store.createRun(newRun('run-1', [step('a')]))
    expect(await named(STORAGE, 'disk-2')).toBe('disk-2')
  })

  it('the same storage may move to another place while runs are unfinished, but not under a worker', async () => {
    const world = await open()
    await world.store.nameStorage(STORAGE, null)
    await world.store.createRun(newRun('run-1', [step('a')]))
    const moved = { ...STORAGE, stateFolder: '/mnt/state' }
    await register(world, 'at-work', { storage: 'disk-1' })
    expect((await world.store.nameStorage(moved, 'disk-1')).stateFolder).toBe('/srv/state')
    world.clock.advance(LEASE_MS)
    expect((await world.store.nameStorage(moved, 'disk-1')).stateFolder).toBe('/mnt/state')
  })

  it('the load names each open step with what is left, what is held and how long its tasks take', async () => {
    const world = await open()
    await world.start([step('a')])
    const of = { runId: 'run-1', job: 'billing', step: 'a' }
    expect(await world.store.fleetLoad()).toEqual([{ ...of, kind: 'plan', remaining: 1, leased: 0, meanMs: null }])
    await world.succeed(await world.claimOne(), 5)
    const [first, second] = await world.claim(2)
    if (first === undefined || second === undefined) throw new Error('expected two tasks')
    expect(await world.store.fleetLoad()).toEqual([{ ...of, kind: 'partition', remaining: 5, leased: 2, meanMs: null }])
    await world.store.start([first, second])
    world.clock.advance(300)
    await world.succeed(first)
    world.clock.advance(100)
    await world.succeed(second)
    expect(await world.store.fleetLoad()).toEqual([{ ...of, kind: 'partition', remaining: 3, leased: 0, meanMs: 350 }])
    await world.store.pauseRun('run-1', true, 'test')
    expect(await world.store.fleetLoad()).toEqual([])
  })

  it('what workers hold is listed, the longest held first', async () => {
    const world = await open()
    await world.start([step('a')])
    await world.succeed(await world.claimOne(), 3)
    await world.claim(1)
    world.clock.advance(50)
    await world.claim(1)
    const held = await world.store.listHeld()
    expect(held.map(({ index }) => index)).toEqual([0, 1])
    expect(held[0]).toMatchObject({
      workerId: 'worker-1',
      runId: 'run-1',
      job: 'billing',
      step: 'a',
      kind: 'partition',
    })
    expect((held[1]?.leasedAt ?? 0) - (held[0]?.leasedAt ?? 0)).toBe(50)
    expect(await world.store.listHeld(1)).toHaveLength(1)
  })

  it('workers are listed with what they say of themselves, and by state and host where asked', async () => {
    const world = await open()
    await register(world, 'one', { slots: 4 })
    await register(world, 'two')
    await world.store.retireWorker('two')
    const ids = async (filter: Parameters<typeof world.store.listWorkers>[0]): Promise<readonly string[]> =>
      (await world.store.listWorkers(filter)).map(({ workerId }) => workerId)
    expect(await world.store.listWorkers()).toMatchObject([{ workerId: 'one', slots: 4 }, { workerId: 'two' }])
    expect(await ids({ states: ['alive'] })).toEqual(['one'])
    expect(await ids({ states: ['retired', 'dead'] })).toEqual(['two'])
    expect(await ids({ host: 'right' })).toEqual(['one', 'two'])
    expect(await ids({ host: 'nowhere' })).toEqual([])
    const dying = { states: ['alive'], host: 'nowhere', orExpired: true } as const
    expect(await ids(dying)).toEqual([])
    world.clock.advance(LEASE_MS)
    expect(await ids(dying)).toEqual(['one'])
    expect((await world.store.listWorkers()).map(({ expired }) => expired)).toEqual([true, false])
  })
}
