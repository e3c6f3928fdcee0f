import type { TaskKind } from '../../protocol/index.ts'
import type { AttemptOutcome, AttemptRow, AttemptTotals, RunActivity } from '../contract/index.ts'
import { COPY_DISTANCE, partitionIndex } from './copies.ts'
import { number, numberOrNull, text, textOrNull, word, type Row } from './rows.ts'
import type { Dialect, Session } from './session.ts'

/** Reads of the history of attempts: one by one, summed up by step, and over time. */

const ATTEMPTS_PER_PAGE = 1000
/** How many times without work are named. */
const IDLE_NAMED = 20

/**
 * Until when an attempt was at work. A worker that died is found dead later, a whole night later at times: its last checkpoint or
 * its last renewal, whichever came later, is the last that is known of it.
 */
function workedUntil({ greatest, least }: Dialect): string {
  const renewed = 'coalesce((select w.expires_at - w.lease_ms from workers w where w.worker_id = worker), ended_at)'
  const lastSign = greatest('leased_at', greatest('coalesce(checkpointed_at, 0)', least('ended_at', renewed)))
  return `case when outcome = 'crashed' then ${lastSign} else coalesce(ended_at, store_now()) end`
}

/** Since when: a task may be leased with others, and wait in its worker. Where its start is not known, since its lease. */
const WORKED_FROM = 'coalesce(started_at, leased_at)'

export interface AttemptFilter {
  readonly step?: string
  readonly kind?: TaskKind
  readonly index?: number
  readonly order?: 'place' | 'longest'
  readonly limit?: number
}

export async function listAttempts(
  session: Session,
  runId: string,
  filter: AttemptFilter = {},
): Promise<readonly AttemptRow[]> {
  const rows = await session.all(attemptsQuery(session.dialect, filter), {
    runId,
    limit: filter.limit ?? ATTEMPTS_PER_PAGE,
    ...(filter.step === undefined ? {} : { step: filter.step }),
    ...(filter.kind === undefined ? {} : { kind: filter.kind }),
    ...(filter.index === undefined ? {} : { index: filter.index }),
  })
  return rows.map(attemptFrom)
}

/** The rows that are wanted are found first, and only then looked up: sorting a run's attempts must not read its tasks. */
export function attemptsQuery(dialect: Dialect, filter: AttemptFilter): string {
  const conditions = [
    'run = (select run from runs where run_id = :runId)',
    ...(filter.step === undefined
      ? []
      : [
          'step = (select s.step from steps s join runs r on r.run = s.run where r.run_id = :runId and s.name = :step)',
        ]),
    ...(filter.kind === undefined ? [] : ['kind = :kind']),
    ...(filter.index === undefined ? [] : [`idx in (:index, :index + ${COPY_DISTANCE})`]),
  ]
  const place = 'run, step, kind, idx, fence'
  const until = workedUntil(dialect)
  const longest = `${until} - ${WORKED_FROM}`
  const order = filter.order === 'longest' ? `${longest} desc, ${place}` : place
  return `select a.*, s.name, t.label, w.host, w.pid, w.expires_at - w.lease_ms as last_seen
    from (select history.*, ${until} as worked_until from history where ${conditions.join(' and ')} order by ${order} limit :limit) a
      join steps s on s.run = a.run and s.step = a.step
      left join tasks t on t.task_id = a.task_id
      left join workers w on w.worker_id = a.worker
    order by ${filter.order === 'longest' ? 'a.worked_until - coalesce(a.started_at, a.leased_at) desc, ' : ''}a.run, a.step, a.kind, a.idx, a.fence`
}

function attemptFrom(row: Row): AttemptRow {
  const kind = word<TaskKind>(row, 'kind')
  return {
    taskId: number(row, 'task_id'),
    fence: number(row, 'fence'),
    step: text(row, 'name'),
    kind,
    index: kind === 'partition' ? partitionIndex(number(row, 'idx')) : null,
    label: textOrNull(row, 'label') ?? '',
    worker: {
      workerId: text(row, 'worker'),
      host: textOrNull(row, 'host') ?? '',
      pid: numberOrNull(row, 'pid') ?? 0,
      lastSeenAt: numberOrNull(row, 'last_seen') ?? 0,
    },
    slot: numberOrNull(row, 'slot'),
    leasedAt: number(row, 'leased_at'),
    startedAt: numberOrNull(row, 'started_at'),
    endedAt: numberOrNull(row, 'ended_at'),
    workedMs: number(row, 'worked_until') - (numberOrNull(row, 'started_at') ?? number(row, 'leased_at')),
    outcome: row['outcome'] === null ? null : word<AttemptOutcome>(row, 'outcome'),
    reason: textOrNull(row, 'reason'),
    delayMs: numberOrNull(row, 'delay_ms'),
    from: { sequence: number(row, 'from_sequence'), read: number(row, 'from_read') },
    checkpoints: number(row, 'checkpoints'),
    checkpointedAt: numberOrNull(row, 'checkpointed_at'),
    read: number(row, 'read'),
  }
}

const OUTCOMES: readonly AttemptOutcome[] = ['succeeded', 'retried', 'failed', 'returned', 'crashed', 'cancelled']

/**
 * One pass over the attempts of the runs; the longest and the last of each group are found in a second look.
 */
export async function totalAttempts(session: Session, runIds: readonly string[]): Promise<readonly AttemptTotals[]> {
  const rows = await session.all(
    `select r.run_id, s.name, a.run, a.step, a.kind, count(*) as attempts, count(distinct a.idx % ${COPY_DISTANCE}) as tasks,
       ${OUTCOMES.map((outcome) => `count(*) filter (where a.outcome = '${outcome}') as ${outcome}`).join(', ')},
       min(a.leased_at) as first_leased, max(a.leased_at) as last_leased,
       case when count(a.ended_at) = count(*) then max(a.ended_at) end as last_ended,
       cast(sum(worked_until - coalesce(a.started_at, a.leased_at)) as bigint) as busy,
       cast(sum(case when a.outcome = 'succeeded' then a.ended_at - coalesce(a.started_at, a.leased_at) else 0 end) as bigint) as succeeded_ms,
       cast(sum(case when a.outcome = 'succeeded' then a.read - a.from_read else 0 end) as bigint) as read
     from runs r join (select history.*, ${workedUntil(session.dialect)} as worked_until from history) a on a.run = r.run
       join steps s on s.run = a.run and s.step = a.step
     where ${session.dialect.among('r.run_id', 'runIds', 'text')}
     group by a.run, a.step, a.kind, r.run_id, s.name
     order by a.run, a.step, case a.kind when 'plan' then 0 when 'partition' then 1 when 'verify' then 2 else 3 end`,
    { runIds },
  )
  const totals: AttemptTotals[] = []
  for (const row of rows) totals.push(await totalsFrom(session, row))
  return totals
}

async function totalsFrom(session: Session, row: Row): Promise<AttemptTotals> {
  const kind = word<TaskKind>(row, 'kind')
  const group = { run: number(row, 'run'), step: number(row, 'step'), kind }
  return {
    runId: text(row, 'run_id'),
    step: text(row, 'name'),
    kind,
    attempts: number(row, 'attempts'),
    tasks: number(row, 'tasks'),
    outcomes: Object.fromEntries(
      OUTCOMES.map((outcome) => [outcome, number(row, outcome)] as const).filter(([, count]) => count > 0),
    ),
    firstLeasedAt: number(row, 'first_leased'),
    lastLeasedAt: number(row, 'last_leased'),
    lastEndedAt: numberOrNull(row, 'last_ended'),
    busyMs: number(row, 'busy'),
    succeededMs: number(row, 'succeeded_ms'),
    read: number(row, 'read'),
    longest: await extreme(
      session,
      group,
      `case when ${COUNTS} then 1 else 0 end desc, ${workedUntil(session.dialect)} - ${WORKED_FROM}`,
    ),
    last: await extreme(session, group, 'coalesce(ended_at, store_now())'),
  }
}

/** Attempts that were lost are no measure of the work. */
const COUNTS = `(outcome is null or outcome = 'succeeded')`

/** The attempt of a step and kind where an expression is greatest; of several, the one that was leased first. */
async function extreme(
  session: Session,
  group: { readonly run: number; readonly step: number; readonly kind: TaskKind },
  expression: string,
): Promise<{ readonly index: number | null; readonly ms: number }> {
  const row = await session.get(
    `select idx, ${workedUntil(session.dialect)} - ${WORKED_FROM} as ms from history
     where run = :run and step = :step and kind = :kind order by ${expression} desc, leased_at, idx limit 1`,
    group,
  )
  if (row === undefined) return { index: null, ms: 0 }
  return { index: group.kind === 'partition' ? partitionIndex(number(row, 'idx')) : null, ms: number(row, 'ms') }
}

export interface ActivitySpan {
  readonly from: number
  readonly to: number
  readonly buckets: number
}

/** One pass in order of leases; what is kept of it is two numbers an attempt. */
export async function runActivity(session: Session, runId: string, span: ActivitySpan): Promise<RunActivity> {
  const lanes = new Map<string, Lane>()
  const all = new Lane(span)
  const pages = session.pages(
    `select s.name, a.kind, coalesce(a.started_at, a.leased_at) as worked_from, a.worked_until as ended
     from (select history.*, ${workedUntil(session.dialect)} as worked_until from history) a join steps s on s.run = a.run and s.step = a.step
     where a.run = (select run from runs where run_id = :runId)
     order by a.run, a.step, a.kind, a.idx, a.fence`,
    { runId },
  )
  for await (const row of rowsOf(pages)) {
    const [from, to] = [number(row, 'worked_from'), number(row, 'ended')]
    if (to < span.from || from > span.to) continue
    const key = JSON.stringify([text(row, 'name'), text(row, 'kind')])
    let lane = lanes.get(key)
    if (lane === undefined) lanes.set(key, (lane = new Lane(span, text(row, 'name'), word<TaskKind>(row, 'kind'))))
    lane.add(from, to)
    all.add(from, to)
  }
  const named = [...lanes.values()].sort((left, right) => left.first - right.first)
  return {
    lanes: named.map((lane) => ({ step: lane.step, kind: lane.kind, mean: lane.mean(), ...lane.sweep() })),
    most: all.sweep().most,
    idle: all.idle(),
  }
}

async function* rowsOf(pages: AsyncIterable<readonly Row[]>): AsyncIterable<Row> {
  for await (const rows of pages) yield* rows
}

/** Attempts that hold leases: how many at once, in each bucket and at most. */
class Lane {
  readonly step: string
  readonly kind: TaskKind
  first = Infinity
  readonly #span: ActivitySpan
  readonly #busy: Float64Array
  readonly #begins: number[] = []
  readonly #ends: number[] = []

  constructor(span: ActivitySpan, step = '', kind: TaskKind = 'partition') {
    this.step = step
    this.kind = kind
    this.#span = span
    this.#busy = new Float64Array(span.buckets)
  }

  get #bucketMs(): number {
    return Math.max(1, this.#span.to - this.#span.from) / this.#span.buckets
  }

  add(from: number, to: number): void {
    this.first = Math.min(this.first, from)
    this.#begins.push(from)
    this.#ends.push(to)
    const [width, start] = [this.#bucketMs, this.#span.from]
    const begin = Math.max(from, start)
    const end = Math.min(to, this.#span.to)
    const last = Math.min(this.#busy.length - 1, Math.floor((end - start) / width))
    for (let bucket = Math.max(0, Math.floor((begin - start) / width)); bucket <= last; bucket += 1) {
      const low = start + bucket * width
      const inside = Math.min(end, low + width) - Math.max(begin, low)
      this.#busy[bucket] = (this.#busy[bucket] ?? 0) + Math.max(0, inside)
    }
  }

  mean(): readonly number[] {
    return Array.from(this.#busy, (ms) => ms / this.#bucketMs)
  }

  /** The most at once, and how long the last one was alone. What ends when another begins is not at once with it. */
  sweep(): { readonly most: number; readonly aloneMs: number } {
    const begins = Float64Array.from(this.#begins).sort()
    const ends = Float64Array.from(this.#ends).sort()
    let [most, open, ended] = [0, 0, 0]
    for (const begin of begins) {
      while ((ends[ended] ?? Infinity) <= begin) {
        ended += 1
        open -= 1
      }
      open += 1
      most = Math.max(most, open)
    }
    const lastBegin = begins.at(-1) ?? 0
    const alone = (ends.at(-1) ?? 0) - Math.max(ends.at(-2) ?? Infinity, lastBegin)
    return { most, aloneMs: most > 1 && Number.isFinite(alone) ? Math.max(0, alone) : 0 }
  }

  /** Times without any, the longest first. */
  idle(): RunActivity['idle'] {
    const gaps: { from: number; to: number }[] = []
    const order = this.#begins.map((_, index) => index).sort((a, b) => (this.#begins[a] ?? 0) - (this.#begins[b] ?? 0))
    let busyUntil = this.#span.from
    for (const index of order) {
      const begin = this.#begins[index] ?? 0
      if (begin > busyUntil) gaps.push({ from: busyUntil, to: begin })
      busyUntil = Math.max(busyUntil, this.#ends[index] ?? 0)
    }
    if (busyUntil < this.#span.to) gaps.push({ from: busyUntil, to: this.#span.to })
    return gaps.sort((left, right) => right.to - right.from - (left.to - left.from)).slice(0, IDLE_NAMED)
  }
}
