import type { NewRun } from '../contract/index.ts'
import type { OwnedTask } from './leases.ts'
import { number, numberOrNull, text, type Row } from './rows.ts'
import { byDialect, type Session } from './session.ts'
import { startOf, type Share } from './shares.ts'

/**
 * Lanes: which steps a claim may take from. A step is queued while tasks of it may be had and its run goes on; what is not
 * queued costs a claim nothing, however much of it there is.
 * `ready > 0 and held = 0`: the condition of the index.
 *
 * No ready task is overlooked: whoever makes one ready raises `ready` afterwards in the same transaction; a claim that found
 * none sets it to 0 only where it still is what it was before it looked. A task that became ready in between has raised it,
 * or will raise it from 0.
 */

/** The lane of steps in no pool, of runs without tenant and priority. */
export const DEFAULT_LANE = 1

/** Of a row of `steps`: the lane that a new task of it is counted in. */
export const COUNTED_IN = 'case when metered = 1 then lane end'

/** Tasks of the step became ready, and are due. */
export async function readied(session: Session, run: number, step: number): Promise<void> {
  await session.run('update steps set ready = ready + 1 where run = :run and step = :step', { run, step })
}

/** Tasks of these became ready, and are due. */
export async function readiedAll(session: Session, tasks: readonly Pick<OwnedTask, 'ref' | 'step'>[]): Promise<void> {
  const steps = new Map(tasks.map((task) => [`${task.ref.run} ${task.step}`, task]))
  for (const { ref, step } of steps.values()) await readied(session, ref.run, step)
}

/** All steps of a run: it was paused or has ended, or goes on. Going on, each of its steps is looked at once more. */
export async function holdSteps(session: Session, run: number, held: boolean): Promise<void> {
  await session.run('update steps set held = :held, ready = ready + cast(:again as bigint) where run = :run', {
    run,
    held: held ? 1 : 0,
    again: held ? 0 : 1,
  })
}

export const DUE = `select task_id from tasks where state = 'ready' and not_before > 0 and not_before <= store_now()`

/** Tasks whose not-before has passed join the others: the index of claimable tasks then has all that can be had. */
export async function wakeDue(session: Session): Promise<void> {
  const rows = await session.all(
    `update tasks set not_before = 0 where task_id in (${DUE}${session.dialect.skipLocked}) returning run, step`,
  )
  const steps = new Map(rows.map((row) => [`${number(row, 'run')} ${number(row, 'step')}`, row]))
  for (const row of steps.values()) await readied(session, number(row, 'run'), number(row, 'step'))
}

// ---------------------------------------------------------------- lanes of a new run

/** The lanes of a new run's steps, by the name of their pool; '' for steps in none. Made where there are none. */
export async function lanesFor(session: Session, run: NewRun): Promise<ReadonlyMap<string, number>> {
  const key = { tenant: run.tenant ?? '', priority: run.priority ?? 0 }
  const pools = [...new Set(run.steps.map(({ pool }) => pool ?? ''))]
  const known = await findLanes(session, key)
  const missing = pools.filter((pool) => !known.has(pool))
  if (missing.length === 0) return known
  await session.run('insert into tenants (name) values (:tenant) on conflict do nothing', { tenant: key.tenant })
  for (const pool of missing) {
    if (pool !== '') await session.run('insert into pools (name) values (:pool) on conflict do nothing', { pool })
    await session.run(
      'insert into lanes (tenant, pool, priority) values (:tenant, :pool, :priority) on conflict do nothing',
      { ...key, pool },
    )
  }
  return findLanes(session, key)
}

async function findLanes(
  session: Session,
  key: { readonly tenant: string; readonly priority: number },
): Promise<ReadonlyMap<string, number>> {
  const rows = await session.all('select pool, lane from lanes where tenant = :tenant and priority = :priority', key)
  return new Map(rows.map((row) => [text(row, 'pool'), number(row, 'lane')]))
}

// ---------------------------------------------------------------- lanes of a claim

/** A lane with something in it. */
export interface OpenLane {
  readonly lane: number
  readonly tenant: string
  readonly pool: string
  readonly priority: number
  /** The oldest run that waits in it. */
  readonly head: number
  readonly slots: number | null
  readonly quota: number | null
  readonly share: Share
}

const LANE = `l.lane, l.tenant, l.pool, l.priority, p.slots, t.quota, t.weight, t.pass`
const JOINED = `cross join lanes l cross join tenants t left join pools p on p.name = l.pool
  where l.lane = a.lane and t.name = l.tenant and coalesce(p.open, 1) = 1`
const IN_ORDER = 'order by head, l.lane'

/** From one lane in the index to the next, without reading the steps between. */
export const openLanesQuery = byDialect(({ by }) => {
  const queued = `steps s ${by('steps_queued')} where s.ready > 0 and s.held = 0`
  return `
  with recursive active (lane) as (
    select min(s.lane) from ${queued}
    union all
    select (select min(s.lane) from ${queued} and s.lane > a.lane) from active a where a.lane is not null)
  select ${LANE}, (select s.run from ${queued} and s.lane = l.lane order by s.run, s.step limit 1) as head
  from active a ${JOINED} ${IN_ORDER}`
})

/** The lanes of named runs only. */
function lanesOfRuns(session: Session): string {
  return `
  with active (lane, head) as (
    select s.lane, min(s.run) from runs r join steps s on s.run = r.run
    where ${session.dialect.among('r.run_id', 'runs', 'text')} and s.ready > 0 and s.held = 0 group by s.lane)
  select ${LANE}, a.head from active a ${JOINED} ${IN_ORDER}`
}

export async function openLanes(session: Session, runs: readonly string[] | undefined): Promise<readonly OpenLane[]> {
  const rows =
    runs === undefined
      ? await session.all(openLanesQuery(session.dialect))
      : await session.all(lanesOfRuns(session), { runs })
  return rows.map((row) => ({
    lane: number(row, 'lane'),
    tenant: text(row, 'tenant'),
    pool: text(row, 'pool'),
    priority: number(row, 'priority'),
    head: number(row, 'head'),
    slots: numberOrNull(row, 'slots'),
    quota: numberOrNull(row, 'quota'),
    share: { name: text(row, 'tenant'), weight: number(row, 'weight'), pass: number(row, 'pass') },
  }))
}

/** Where the tenant stands that was served last. */
export async function fairClock(session: Session): Promise<number> {
  const row = await session.get('select coalesce(max(served), 0) as clock from tenants')
  return row === undefined ? 0 : number(row, 'clock')
}

/** Notes what tenants were given in a claim, where several waited. The last thing that a claim does: others wait for it. */
export async function charge(
  session: Session,
  shares: readonly Share[],
  clock: number,
  given: ReadonlyMap<string, number>,
): Promise<void> {
  for (const share of [...shares].sort((one, other) => (one.name < other.name ? -1 : 1))) {
    const places = given.get(share.name) ?? 0
    if (places === 0) continue
    const from = startOf(share, clock)
    const turn = 1 / share.weight
    await session.run(
      `update tenants set pass = ${session.dialect.greatest('pass', 'cast(:from as double precision)')} + :moved,
         served = ${session.dialect.greatest('served', 'cast(:served as double precision)')}
       where name = :name`,
      { name: share.name, from, moved: places * turn, served: from + (places - 1) * turn },
    )
  }
}

// ---------------------------------------------------------------- limits

/** How many more leases a claim may take, by pool and by tenant; none is named that has no limit. */
export interface Room {
  readonly pools: ReadonlyMap<string, number>
  readonly tenants: ReadonlyMap<string, number>
}

interface Limits {
  readonly pools: ReadonlyMap<string, number>
  readonly tenants: ReadonlyMap<string, number>
}

/**
 * What the limits of these lanes leave. What is full is not waited for; of the rest, one claim after the other counts and
 * takes: each limit's row is locked until the claim has ended. Lanes without limits never come here.
 */
export async function roomOf(session: Session, lanes: readonly OpenLane[]): Promise<Room> {
  const limits = limitsOf(lanes)
  if (limits.pools.size === 0 && limits.tenants.size === 0) return limits
  const seen = await countRoom(session, limits)
  if (session.dialect.forNoKeyUpdate === '') return seen
  const left: Limits = { pools: notFull(limits.pools, seen.pools), tenants: notFull(limits.tenants, seen.tenants) }
  const pools = await lockLimits(session, 'pools', 'slots', left.pools)
  const tenants = await lockLimits(session, 'tenants', 'quota', left.tenants)
  const counted = await countRoom(session, { pools, tenants })
  return {
    pools: new Map([...seen.pools, ...counted.pools]),
    tenants: new Map([...seen.tenants, ...counted.tenants]),
  }
}

function limitsOf(lanes: readonly OpenLane[]): Limits {
  const pools = new Map<string, number>()
  const tenants = new Map<string, number>()
  for (const { pool, slots, tenant, quota } of lanes) {
    if (slots !== null) pools.set(pool, slots)
    if (quota !== null && tenant !== '') tenants.set(tenant, quota)
  }
  return { pools, tenants }
}

function notFull(limits: ReadonlyMap<string, number>, room: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  return new Map([...limits].filter(([name]) => (room.get(name) ?? 0) > 0))
}

/** The limits as they are now, and stay until the claim has ended. */
async function lockLimits(
  session: Session,
  table: 'pools' | 'tenants',
  column: 'slots' | 'quota',
  limits: ReadonlyMap<string, number>,
): Promise<ReadonlyMap<string, number>> {
  if (limits.size === 0) return limits
  const rows = await session.all(
    `select name, coalesce(${column}, 2147483647) as most from ${table}
     where ${session.dialect.among('name', 'names', 'text')} order by name${session.dialect.forNoKeyUpdate}`,
    { names: [...limits.keys()] },
  )
  return new Map(rows.map((row) => [text(row, 'name'), number(row, 'most')]))
}

async function countRoom(session: Session, limits: Limits): Promise<Room> {
  const held = await countLeases(session, [...limits.pools.keys()], [...limits.tenants.keys()])
  return {
    pools: roomLeft(limits.pools, held, 'pool'),
    tenants: roomLeft(limits.tenants, held, 'tenant'),
  }
}

function roomLeft(
  limits: ReadonlyMap<string, number>,
  held: readonly Row[],
  column: 'pool' | 'tenant',
): ReadonlyMap<string, number> {
  const room = new Map(limits)
  for (const row of held) {
    const name = text(row, column)
    const left = room.get(name)
    if (left !== undefined) room.set(name, left - number(row, 'held'))
  }
  return new Map([...room].map(([name, left]) => [name, Math.max(0, left)]))
}

/** Leases by tenant and pool, of these pools and these tenants. By the index of counted leases: no other task is read. */
export function countLeases(
  session: Session,
  pools: readonly string[],
  tenants: readonly string[],
): Promise<readonly Row[]> {
  const { among } = session.dialect
  return session.all(
    `select l.tenant, l.pool, count(*) as held from lanes l cross join tasks t
     where (${among('l.pool', 'pools', 'text')} or ${among('l.tenant', 'tenants', 'text')})
       and t.lane = l.lane and t.worker is not null and t.lane is not null
     group by l.tenant, l.pool`,
    { pools, tenants },
  )
}
