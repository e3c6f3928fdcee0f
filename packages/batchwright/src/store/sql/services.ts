import type { ServiceRules } from '../../protocol/index.ts'
import type { Consultation, Consulted, ServiceAnswer, ServiceRow } from '../contract/index.ts'
import { count, decide, elapse, NEW_BREAKER, tryAgain, type Breaker } from '../services/breaker.ts'
import { share, type Holder } from '../services/concurrency.ts'
import { adjust, NEW_HEALTH, probeDue, type Health } from '../services/health.ts'
import { allot, slotsOf } from '../services/rate.ts'
import { emit } from './events.ts'
import { json, number, text, type Row } from './rows.ts'
import { byDialect, type Session } from './session.ts'

interface State {
  readonly nextSlot: number
  readonly breaker: Breaker
  readonly health: Health
  readonly pausedUntil: number
}

const lockService = byDialect(
  (dialect) =>
    `select next_slot, breaker, health, paused_until from services where service = :service${dialect.forNoKeyUpdate}`,
)

/** Services one after the other, by name: two workers that ask about several never wait for each other in a circle. */
export async function consult(session: Session, workerId: string, items: readonly Consultation[]): Promise<Consulted> {
  const alive =
    (await session.get(`select 1 as alive from workers where worker_id = :workerId and state = 'alive'`, {
      workerId,
    })) !== undefined
  const answers: (ServiceAnswer | undefined)[] = items.map(() => undefined)
  const places = items.map((_, place) => place).sort((a, b) => byName(items[a], items[b]))
  let now = 0
  for (const place of places) {
    const item = items[place]
    if (item === undefined) continue
    const state = await lockedState(session, item.rules)
    // Read with the row locked: whoever has the row has the later time.
    now = await clockOf(session)
    answers[place] = await consultOne(session, { workerId, alive, item, state, now })
  }
  if (items.length === 0) now = await clockOf(session)
  return { now, answers: answers.flatMap((answer) => (answer === undefined ? [] : [answer])) }
}

function byName(one: Consultation | undefined, other: Consultation | undefined): number {
  const [a, b] = [one?.rules.service ?? '', other?.rules.service ?? '']
  return a < b ? -1 : a > b ? 1 : 0
}

async function clockOf(session: Session): Promise<number> {
  const row = await session.get('select store_now() as now')
  return row === undefined ? 0 : number(row, 'now')
}

async function lockedState(session: Session, rules: ServiceRules): Promise<State> {
  const { service } = rules
  const known = await session.get(lockService(session.dialect), { service })
  if (known !== undefined) return stateFrom(known)
  await session.run(
    `insert into services (service, rules, breaker, health, asked_at)
     values (:service, :rules, :breaker, :health, store_now()) on conflict (service) do nothing`,
    { service, rules: JSON.stringify(rules), breaker: JSON.stringify(NEW_BREAKER), health: JSON.stringify(NEW_HEALTH) },
  )
  const made = await session.get(lockService(session.dialect), { service })
  if (made === undefined) throw new Error(`service ${service} was inserted and cannot be found`)
  return stateFrom(made)
}

function stateFrom(row: Row): State {
  return {
    nextSlot: number(row, 'next_slot'),
    breaker: json<Breaker>(row, 'breaker'),
    health: json<Health>(row, 'health'),
    pausedUntil: number(row, 'paused_until'),
  }
}

interface Asking {
  readonly workerId: string
  readonly alive: boolean
  readonly item: Consultation
  readonly state: State
  readonly now: number
}

async function consultOne(session: Session, asking: Asking): Promise<ServiceAnswer> {
  const { item, state, now, alive } = asking
  const { rules } = item
  const pausedUntil = Math.max(state.pausedUntil, item.pauseMs === null ? 0 : now + Math.ceil(item.pauseMs))
  const tried = breakerAfter(asking)
  const health = healthAfter(asking)
  const passes = alive && tried.breaker.state !== 'open' && pausedUntil <= now
  const allotted =
    rules.rate === null || !passes || item.slots === 0
      ? null
      : allot(rules.rate, {
          nextUs: state.nextSlot,
          nowUs: now * 1000 + Math.ceil(item.leadMs * 1000),
          wanted: item.slots,
          horizonUs: Math.max(0, Math.round((item.horizonMs - item.leadMs) * 1000)),
        })
  const held = await hold(session, asking, health.health)
  await keep(session, rules, {
    nextSlot: allotted?.nextUs ?? state.nextSlot,
    breaker: tried.breaker,
    health: health.health,
    pausedUntil,
  })
  await tell(session, rules.service, state.breaker, tried.breaker)
  return {
    slots: (allotted?.slots ?? []).map((slot) => slot / 1000),
    validMs: rules.rate === null ? 0 : slotsOf(rules.rate).validUs / 1000,
    nextMs: (allotted?.retryUs ?? 0) / 1000,
    ...held,
    breaker: {
      state: tried.breaker.state,
      forMs: Math.max(0, tried.breaker.until - now),
      why: tried.breaker.why,
      trial: tried.given,
    },
    pausedMs: Math.max(0, pausedUntil - now),
    probe: health.due,
  }
}

function breakerAfter({ workerId, alive, item, state, now }: Asking): ReturnType<typeof tryAgain> {
  const rule = item.rules.breaker
  if (rule === null) return { breaker: NEW_BREAKER, given: false }
  const counted = count(state.breaker, rule, item.calls, now)
  const decided = item.trial === null ? counted : decide(counted, rule, { worker: workerId, outcome: item.trial }, now)
  return alive && item.wantsTrial ? tryAgain(decided, workerId, now) : { breaker: elapse(decided, now), given: false }
}

function healthAfter({ alive, item, state, now }: Asking): ReturnType<typeof probeDue> {
  const { probe, concurrency } = item.rules
  if (probe === null || concurrency === null) return { health: NEW_HEALTH, due: false }
  const health = item.reading === undefined ? state.health : adjust(state.health, probe, concurrency, item.reading)
  return alive && item.wanted > 0 ? probeDue(health, probe, now) : { health, due: false }
}

/** What dead workers held is free: their rows are not looked at, and go with the next one's. */
async function hold(
  session: Session,
  { workerId, alive, item }: Asking,
  health: Health,
): Promise<Pick<ServiceAnswer, 'held' | 'pressed'>> {
  const { service, concurrency } = item.rules
  if (concurrency === null) return { held: null, pressed: false }
  await session.run(
    `delete from service_holders where service = :service
       and not exists (select 1 from workers w where w.worker_id = service_holders.worker and w.state = 'alive')`,
    { service },
  )
  if (!alive) return { held: 0, pressed: false }
  const others = await othersOf(session, service, workerId)
  const held = share(Math.min(concurrency, health.allowed ?? concurrency), item, others)
  await session.run(
    `insert into service_holders (service, worker, held, wanted) values (:service, :workerId, :held, :wanted)
     on conflict (service, worker) do update set held = excluded.held, wanted = excluded.wanted`,
    { service, workerId, held, wanted: item.wanted },
  )
  return { held, pressed: others.some((other) => other.wanted > other.held) }
}

async function othersOf(session: Session, service: string, workerId: string): Promise<readonly Holder[]> {
  const rows = await session.all(
    'select held, wanted from service_holders where service = :service and worker <> :workerId',
    { service, workerId },
  )
  return rows.map((row) => ({ held: number(row, 'held'), wanted: number(row, 'wanted') }))
}

async function keep(session: Session, rules: ServiceRules, state: State): Promise<void> {
  await session.run(
    `update services set rules = :rules, next_slot = :nextSlot, breaker = :breaker, health = :health,
       closed_lanes_until = :closedLanesUntil, paused_until = :pausedUntil, asked_at = store_now()
     where service = :service`,
    {
      service: rules.service,
      rules: JSON.stringify(rules),
      nextSlot: state.nextSlot,
      breaker: JSON.stringify(state.breaker),
      health: JSON.stringify(state.health),
      closedLanesUntil: Math.max(state.breaker.state === 'open' ? state.breaker.until : 0, state.pausedUntil),
      pausedUntil: state.pausedUntil,
    },
  )
}

/** What a breaker does is decided for all: the outbox tells it, and wakes those who wait for it. */
async function tell(session: Session, service: string, before: Breaker, after: Breaker): Promise<void> {
  if (after.state === 'open' && (before.state !== 'open' || before.until !== after.until)) {
    const data = { service, why: after.why, until: after.until, opened: after.opened }
    await emit(session, { runId: null, type: 'service.opened', data })
  }
  if (after.state === 'closed' && before.state !== 'closed') {
    await emit(session, { runId: null, type: 'service.closed', data: { service } })
  }
}

export async function listServices(session: Session): Promise<readonly ServiceRow[]> {
  const now = await clockOf(session)
  const holders = new Map<string, { held: number; wanted: number; workers: number }>()
  const held = await session.all(
    `select h.service, cast(sum(h.held) as bigint) as held, cast(sum(h.wanted) as bigint) as wanted,
       count(*) as workers
     from service_holders h join workers w on w.worker_id = h.worker and w.state = 'alive' group by h.service`,
  )
  for (const row of held) {
    holders.set(text(row, 'service'), {
      held: number(row, 'held'),
      wanted: number(row, 'wanted'),
      workers: number(row, 'workers'),
    })
  }
  const rows = await session.all(
    'select service, rules, next_slot, breaker, health, paused_until, asked_at from services order by service',
  )
  return rows.map((row) => {
    const { breaker, health, pausedUntil } = stateFrom(row)
    const aged = elapse(breaker, now)
    const service = text(row, 'service')
    return {
      service,
      rules: json<ServiceRules>(row, 'rules'),
      breaker: aged.state,
      breakerUntil: aged.state === 'open' ? aged.until : null,
      breakerWhy: aged.state === 'closed' ? null : aged.why,
      allowed: health.allowed,
      complaint: health.complaint,
      pausedUntil: pausedUntil > now ? pausedUntil : null,
      ...(holders.get(service) ?? { held: 0, wanted: 0, workers: 0 }),
      askedAt: number(row, 'asked_at'),
    }
  })
}
