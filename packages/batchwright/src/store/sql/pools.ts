import type { JsonValue } from '../../kernel/errors.ts'
import type { PoolChange, PoolRow, TenantChange, TenantRow, WaitingStep } from '../contract/index.ts'
import { emit } from './events.ts'
import { countLeases } from './lanes.ts'
import { refused } from './refusals.ts'
import { flag, number, numberOrNull, text, textOrNull, type Row } from './rows.ts'
import type { Session } from './session.ts'

/** Pools and tenants: what people set, and what is held. */

const NAME = /^[a-z0-9][a-z0-9_.-]{0,62}$/i
const MOST = 1_000_000
const NAMED = 'a name of at most 63 letters, digits, - _ and .'
const WHOLE = `a whole number from 1 to ${MOST}`
const HINT = 'For no limit give none. A pool that shall give out nothing is closed.'

export async function setPool(session: Session, name: string, change: PoolChange, by: string): Promise<PoolRow> {
  const wrong = firstWrong([
    [NAME.test(name), NAMED, name],
    [isLimit(change.slots), `slots as ${WHOLE}`, change.slots],
  ])
  if (wrong !== null) throw refused('POOL_INVALID', `pool ${JSON.stringify(name)}: ${wrong}`, HINT, { name })
  await session.run('insert into pools (name) values (:name) on conflict do nothing', { name })
  const before = await lockRow(session, 'pools', name)
  const said = JSON.stringify([change.slots ?? null, change.open ?? null])
  if (!isNews(before, change.configured, said)) return onePool(session, name)
  const slots = change.slots === undefined ? numberOrNull(before, 'slots') : change.slots
  const open = change.open ?? flag(before, 'open')
  await session.run('update pools set slots = :slots, open = :open, configured = :configured where name = :name', {
    name,
    slots,
    open: open ? 1 : 0,
    configured: change.configured === true ? said : textOrNull(before, 'configured'),
  })
  await emitChange(session, 'pool.set', by, before, { name, slots, open })
  return onePool(session, name)
}

export async function setTenant(session: Session, name: string, change: TenantChange, by: string): Promise<TenantRow> {
  const wrong = firstWrong([
    [name === '' || NAME.test(name), NAMED, name],
    [isLimit(change.weight ?? 1), `weight as ${WHOLE}`, change.weight],
    [isLimit(change.slots), `slots as ${WHOLE}`, change.slots],
    [name !== '' || (change.slots ?? null) === null, 'no slots for work that names no tenant', change.slots],
  ])
  if (wrong !== null) throw refused('TENANT_INVALID', `tenant ${JSON.stringify(name)}: ${wrong}`, HINT, { name })
  await session.run('insert into tenants (name) values (:name) on conflict do nothing', { name })
  const before = await lockRow(session, 'tenants', name)
  const said = JSON.stringify([change.weight ?? null, change.slots ?? null])
  if (!isNews(before, change.configured, said)) return oneTenant(session, name)
  const weight = change.weight ?? number(before, 'weight')
  const slots = change.slots === undefined ? numberOrNull(before, 'quota') : change.slots
  await session.run(
    'update tenants set weight = :weight, quota = :slots, configured = :configured where name = :name',
    { name, weight, slots, configured: change.configured === true ? said : textOrNull(before, 'configured') },
  )
  await emitChange(session, 'tenant.set', by, before, { name, weight, slots })
  return oneTenant(session, name)
}

/** Claims that are under way count by the old limit; those that begin after this by the new one. */
async function lockRow(session: Session, table: 'pools' | 'tenants', name: string): Promise<Row> {
  const row = await session.get(`select * from ${table} where name = :name${session.dialect.forUpdate}`, { name })
  if (row === undefined) throw new Error(`${name} was inserted into ${table} and cannot be found`)
  return row
}

/** What the configuration says counts when it says something new: what was changed by hand since then stays. */
function isNews(before: Row, configured: boolean | undefined, said: string): boolean {
  return configured !== true || textOrNull(before, 'configured') !== said
}

async function emitChange(
  session: Session,
  type: string,
  by: string,
  before: Row,
  now: Readonly<Record<string, JsonValue>>,
): Promise<void> {
  await emit(session, { runId: null, type, data: { ...now, by, slotsBefore: slotsOf(before) } })
}

function slotsOf(row: Row): number | null {
  return 'slots' in row ? numberOrNull(row, 'slots') : numberOrNull(row, 'quota')
}

function isLimit(value: number | null | undefined): boolean {
  return value === undefined || value === null || (Number.isSafeInteger(value) && value > 0 && value <= MOST)
}

/** Of what must hold, the first that does not: what was expected, and what was found. */
function firstWrong(
  rules: readonly (readonly [holds: boolean, expected: string, found: string | number | null | undefined])[],
): string | null {
  const wrong = rules.find(([holds]) => !holds)
  if (wrong === undefined) return null
  const [, expected, found] = wrong
  return `expected ${expected}, found ${typeof found === 'number' ? found : JSON.stringify(found)}`
}

export async function listPools(session: Session): Promise<readonly PoolRow[]> {
  const rows = await session.all('select name, slots, open from pools order by name')
  const names = rows.map((row) => text(row, 'name'))
  const held = sums(await countLeases(session, names, []), 'pool')
  const waiting = await waitingBy(session, 'pool')
  return rows.map((row) => ({
    name: text(row, 'name'),
    slots: numberOrNull(row, 'slots'),
    open: flag(row, 'open'),
    inUse: held.get(text(row, 'name')) ?? 0,
    waiting: waiting.get(text(row, 'name')) ?? 0,
  }))
}

export async function listTenants(session: Session): Promise<readonly TenantRow[]> {
  const rows = await session.all('select name, weight, quota from tenants order by name')
  const names = rows.map((row) => text(row, 'name'))
  const held = sums(await countLeases(session, [], names), 'tenant')
  const waiting = await waitingBy(session, 'tenant')
  return rows.map((row) => ({
    name: text(row, 'name'),
    weight: number(row, 'weight'),
    slots: numberOrNull(row, 'quota'),
    inUse: held.get(text(row, 'name')) ?? 0,
    waiting: waiting.get(text(row, 'name')) ?? 0,
  }))
}

async function onePool(session: Session, name: string): Promise<PoolRow> {
  const pool = (await listPools(session)).find((row) => row.name === name)
  if (pool === undefined) throw new Error(`pool ${name} was set and cannot be found`)
  return pool
}

async function oneTenant(session: Session, name: string): Promise<TenantRow> {
  const tenant = (await listTenants(session)).find((row) => row.name === name)
  if (tenant === undefined) throw new Error(`tenant ${name} was set and cannot be found`)
  return tenant
}

function sums(rows: readonly Row[], column: 'pool' | 'tenant'): ReadonlyMap<string, number> {
  const held = new Map<string, number>()
  for (const row of rows) held.set(text(row, column), (held.get(text(row, column)) ?? 0) + number(row, 'held'))
  return held
}

async function waitingBy(session: Session, column: 'pool' | 'tenant'): Promise<ReadonlyMap<string, number>> {
  const rows = await session.all(
    `select l.${column} as name, count(*) as steps from lanes l cross join steps s
     where s.lane = l.lane and s.ready > 0 and s.held = 0 group by l.${column}`,
  )
  return new Map(rows.map((row) => [text(row, 'name'), number(row, 'steps')]))
}

export async function waitingSteps(session: Session, runId: string): Promise<readonly WaitingStep[]> {
  const rows = await session.all(
    `select s.name, l.pool, l.tenant, p.slots, p.open, t.quota
     from runs r join steps s on s.run = r.run join lanes l on l.lane = s.lane
       join tenants t on t.name = l.tenant left join pools p on p.name = l.pool
     where r.run_id = :runId and s.ready > 0 and s.held = 0
       and s.state in ('planning', 'running', 'verifying', 'publishing') order by s.step`,
    { runId },
  )
  const limited = rows.filter((row) => numberOrNull(row, 'slots') !== null || numberOrNull(row, 'quota') !== null)
  const pools = sums(await countLeases(session, names(limited, 'pool'), []), 'pool')
  const tenants = sums(await countLeases(session, [], names(limited, 'tenant')), 'tenant')
  return rows.flatMap((row) => {
    const cause = causeOf(row, pools, tenants)
    return cause === null ? [] : [{ step: text(row, 'name'), cause }]
  })
}

function names(rows: readonly Row[], column: 'pool' | 'tenant'): readonly string[] {
  return [...new Set(rows.map((row) => text(row, column)).filter((name) => name !== ''))]
}

function causeOf(
  row: Row,
  pools: ReadonlyMap<string, number>,
  tenants: ReadonlyMap<string, number>,
): WaitingStep['cause'] | null {
  const [pool, tenant] = [text(row, 'pool'), text(row, 'tenant')]
  if (pool !== '' && !flag(row, 'open')) return { kind: 'pool-closed', pool }
  const [slots, quota] = [numberOrNull(row, 'slots'), numberOrNull(row, 'quota')]
  const [inPool, ofTenant] = [pools.get(pool) ?? 0, tenants.get(tenant) ?? 0]
  if (slots !== null && inPool >= slots) return { kind: 'pool-full', pool, slots, inUse: inPool }
  if (quota !== null && ofTenant >= quota) return { kind: 'tenant-full', tenant, slots: quota, inUse: ofTenant }
  return null
}
