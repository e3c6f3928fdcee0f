import type { JsonValue } from '../../kernel/errors.ts'
import type { EffectEnd, EffectIntent, EffectName, EffectVerdict, InDoubt } from '../../protocol/index.ts'
import type { EffectAnswer, EffectFilter, EffectRow, EffectState, ItemOutcome, TaskLease } from '../contract/index.ts'
import { readied } from './lanes.ts'
import { emit } from './events.ts'
import { lockTask, ownedTask, type OwnedTask } from './leases.ts'
import { refused } from './refusals.ts'
import { json, number, numberOrNull, text, textOrNull, word, type Row } from './rows.ts'
import { byDialect, type Dialect, type Session } from './session.ts'

/** A person is asked: the task looks again this often, should it not be told. */
const ASKED_MS = 3_600_000
/** Somebody else is at it, and will be done or dead soon. */
const BUSY_MS = 1_000

/** The effects of a call, as rows, in an order that is the same for all callers. */
const named = ({ name }: Pick<Dialect, 'name'>): string =>
  name === 'sqlite'
    ? `(select json_extract(value, '$.scope') as scope, json_extract(value, '$.key') as key,
         json_extract(value, '$.outcome') as outcome from json_each(:effects)) as e`
    : `(select scope, key, outcome from json_to_recordset(cast(:effects as json)) as r(scope text, key text, outcome text)) as e`

/** Those that nobody has a row of yet are the task's own from here on. */
const takeNew = byDialect(
  (dialect) => `
  insert into effects (scope, key, state, task_id, fence, run_id, step, intended_at)
  select e.scope, e.key, 'intended', cast(:taskId as bigint), cast(:fence as bigint), cast(:runId as text),
    cast(:step as text), store_now()
  from ${named(dialect)} where true order by e.scope, e.key
  on conflict (scope, key) do nothing returning scope, key`,
)

const COLUMNS = `f.scope, f.key, f.state, f.task_id, f.fence, f.run_id, f.step, f.outcome, f.settled_by, f.intended_at,
  f.settled_at, f.waiting`

const lockKnown = byDialect(
  (dialect) => `
  select ${COLUMNS} from effects f join ${named(dialect)} on e.scope = f.scope and e.key = f.key
  order by f.scope, f.key${dialect.forUpdate === '' ? '' : `${dialect.forUpdate} of f`}`,
)

export async function intendEffects(
  session: Session,
  items: readonly (TaskLease & { readonly effects: readonly EffectIntent[] })[],
): Promise<readonly (readonly EffectVerdict[] | null)[]> {
  const answers: (readonly EffectVerdict[] | null)[] = items.map(() => null)
  // Keys of several tasks in one call are taken in one order, too.
  const places = items.map((_, place) => place).sort((a, b) => (firstKey(items[a]) < firstKey(items[b]) ? -1 : 1))
  for (const place of places) {
    const item = items[place]
    if (item === undefined) continue
    const task = await ownedTask(session, item)
    if (task !== undefined) answers[place] = await intend(session, task, item.effects)
  }
  return answers
}

function firstKey(item: { readonly effects: readonly EffectName[] } | undefined): string {
  return item?.effects.map(nameOf).sort()[0] ?? ''
}

function nameOf({ scope, key }: EffectName): string {
  return JSON.stringify([scope, key])
}

async function intend(
  session: Session,
  task: OwnedTask,
  effects: readonly EffectIntent[],
): Promise<readonly EffectVerdict[]> {
  const step = await stepOf(session, task)
  const values = { effects: JSON.stringify(effects.map(({ scope, key }) => ({ scope, key }))) }
  const taken = await session.all(takeNew(session.dialect), {
    ...values,
    taskId: task.taskId,
    fence: task.fence,
    runId: task.ref.runId,
    step,
  })
  const verdicts = new Map<string, EffectVerdict>(taken.map((row) => [rowName(row), { verdict: 'act' }]))
  if (verdicts.size < new Set(effects.map(nameOf)).size) {
    const policies = new Map(effects.map((effect) => [nameOf(effect), effect.inDoubt]))
    for (const row of await session.all(lockKnown(session.dialect), values)) {
      const name = rowName(row)
      if (verdicts.has(name)) continue
      verdicts.set(name, await judge(session, { task, step }, row, policies.get(name) ?? 'ask'))
    }
  }
  return effects.map(
    (effect) => verdicts.get(nameOf(effect)) ?? { verdict: 'wait', waitMs: BUSY_MS, why: 'it has just gone' },
  )
}

function rowName(row: Row): string {
  return nameOf({ scope: text(row, 'scope'), key: text(row, 'key') })
}

async function stepOf(session: Session, { ref, step }: OwnedTask): Promise<string> {
  const row = await session.get('select name from steps where run = :run and step = :step', { run: ref.run, step })
  return row === undefined ? '' : text(row, 'name')
}

interface Asker {
  readonly task: OwnedTask
  readonly step: string
}

/** What becomes of an effect that somebody has intended before. */
async function judge(session: Session, asker: Asker, row: Row, inDoubt: InDoubt): Promise<EffectVerdict> {
  const { task } = asker
  const state = word<EffectState>(row, 'state')
  const own = number(row, 'task_id') === task.taskId && number(row, 'fence') === task.fence
  if (state === 'done') return { verdict: 'done', outcome: outcomeOf(row) }
  if (state === 'again') return takeOver(session, asker, row, 'repeated', 'as it was answered')
  if (state === 'intended' && own) return { verdict: 'act' }
  if (state === 'intended' && (await isHeld(session, row))) {
    return { verdict: 'wait', waitMs: BUSY_MS, why: `effect ${text(row, 'key')}: another task is at it` }
  }
  switch (inDoubt) {
    case 'repeat':
      return takeOver(session, asker, row, 'repeated', 'in doubt')
    case 'skip':
      return skip(session, asker, row)
    case 'ask':
      return ask(session, asker, row)
  }
}

async function isHeld(session: Session, row: Row): Promise<boolean> {
  const held = await session.get('select 1 as held from tasks where task_id = :taskId and fence = :fence', {
    taskId: number(row, 'task_id'),
    fence: number(row, 'fence'),
  })
  return held !== undefined
}

async function takeOver(
  session: Session,
  { task, step }: Asker,
  row: Row,
  type: 'repeated',
  why: string,
): Promise<EffectVerdict> {
  const key = text(row, 'key')
  await session.run(
    `update effects set state = 'intended', task_id = :taskId, fence = :fence, run_id = :runId, step = :step, waiting = null,
       intended_at = store_now() where scope = :scope and key = :key`,
    { taskId: task.taskId, fence: task.fence, runId: task.ref.runId, step, scope: text(row, 'scope'), key },
  )
  await emit(session, { runId: task.ref.runId, step, type: `effect.${type}`, data: { key, why } })
  return { verdict: 'act' }
}

async function skip(session: Session, { task, step }: Asker, row: Row): Promise<EffectVerdict> {
  const key = text(row, 'key')
  await session.run(
    `update effects set state = 'done', outcome = 'null', settled_by = 'skip', settled_at = store_now(), waiting = null
     where scope = :scope and key = :key`,
    { scope: text(row, 'scope'), key },
  )
  await emit(session, { runId: task.ref.runId, step, type: 'effect.skipped', data: { key } })
  return { verdict: 'done', outcome: null }
}

async function ask(session: Session, { task, step }: Asker, row: Row): Promise<EffectVerdict> {
  const key = text(row, 'key')
  if (word<EffectState>(row, 'state') !== 'asked') {
    await emit(session, { runId: task.ref.runId, step, type: 'effect.asked', data: { key, index: task.index } })
  }
  await session.run(
    `update effects set state = 'asked', waiting = :taskId, run_id = :runId, step = :step
     where scope = :scope and key = :key`,
    { taskId: task.taskId, runId: task.ref.runId, step, scope: text(row, 'scope'), key },
  )
  return {
    verdict: 'wait',
    waitMs: ASKED_MS,
    why: `effect ${key}: nobody knows whether it took place; \`batchwright effects list\` asks`,
  }
}

const settleDone = byDialect((dialect) => {
  const matching = 'e.scope = effects.scope and e.key = effects.key'
  return `
  update effects set state = 'done', outcome = (select e.outcome from ${named(dialect)} where ${matching}),
    settled_by = null, settled_at = store_now(), waiting = null
  where task_id = :taskId and fence = :fence and state <> 'done'
    and exists (select 1 from ${named(dialect)} where ${matching})`
})

export async function settleEffects(
  session: Session,
  items: readonly (TaskLease & { readonly effects: readonly EffectEnd[] })[],
): Promise<readonly ItemOutcome[]> {
  const outcomes: ItemOutcome[] = []
  for (const { taskId, fence, effects } of items) {
    let settled = 0
    const done = effects.flatMap((effect) =>
      effect.end === 'done' ? [{ scope: effect.scope, key: effect.key, outcome: JSON.stringify(effect.outcome) }] : [],
    )
    if (done.length > 0) {
      settled += await session.run(settleDone(session.dialect), { taskId, fence, effects: JSON.stringify(done) })
    }
    for (const { scope, key, end } of effects) {
      if (end === 'withdrawn') {
        settled += await session.run(
          `delete from effects where scope = :scope and key = :key and task_id = :taskId and fence = :fence
             and state <> 'done'`,
          { scope, key, taskId, fence },
        )
      } else if (end === 'doubtful') {
        settled += await session.run(
          `update effects set state = 'doubtful' where scope = :scope and key = :key and task_id = :taskId
             and fence = :fence and state in ('intended', 'doubtful')`,
          { scope, key, taskId, fence },
        )
      }
    }
    outcomes.push(settled === effects.length ? 'done' : await repeatedOr(session, { taskId, fence, effects }))
  }
  return outcomes
}

/** Settled before, by the same attempt: a call whose answer was lost is made again. */
async function repeatedOr(
  session: Session,
  { taskId, fence, effects }: TaskLease & { readonly effects: readonly EffectEnd[] },
): Promise<ItemOutcome> {
  for (const { scope, key, end } of effects) {
    const row = await session.get('select state, task_id, fence from effects where scope = :scope and key = :key', {
      scope,
      key,
    })
    if (row === undefined && end === 'withdrawn') continue
    if (row === undefined || number(row, 'task_id') !== taskId || number(row, 'fence') !== fence) return 'fenced'
  }
  return 'done'
}

export async function answerEffect(
  session: Session,
  name: EffectName,
  answer: EffectAnswer,
  by: string,
): Promise<EffectRow> {
  const seen = await session.get('select waiting from effects where scope = :scope and key = :key', { ...name })
  const asks = seen === undefined ? null : numberOrNull(seen, 'waiting')
  // Tasks before effects, as attempts lock them. One that is just being given back is waited for, and then found ready.
  if (asks !== null) await lockTask(session, asks)
  const row = await session.get(lockOne(session.dialect), { ...name })
  if (row === undefined) {
    throw refused(
      'EFFECT_UNKNOWN',
      `expected an effect ${name.key} of ${name.scope}, found none`,
      'List those that wait for an answer: batchwright effects list.',
      { ...name },
    )
  }
  const state = word<EffectState>(row, 'state')
  if (state === 'done' || state === 'again' || (state === 'intended' && (await isHeld(session, row)))) {
    throw refused(
      'EFFECT_SETTLED',
      `expected effect ${name.key} of ${name.scope} to be in doubt, found it ${state === 'intended' ? 'under way' : state}`,
      'Nothing needs to be said of it. See it with `batchwright effects list --all`.',
      { ...name, state },
    )
  }
  await session.run(
    `update effects set state = :state, outcome = cast(:outcome as text), settled_by = :by, settled_at = store_now()
     where scope = :scope and key = :key`,
    {
      ...name,
      by,
      state: answer.is,
      outcome: answer.is === 'done' ? JSON.stringify(answer.outcome) : null,
    },
  )
  const waiting = numberOrNull(row, 'waiting')
  if (waiting !== null) {
    const due = await session.get(
      `update tasks set not_before = 0 where task_id = :waiting and state = 'ready' and not_before > 0
       returning run, step`,
      { waiting },
    )
    if (due !== undefined) await readied(session, number(due, 'run'), number(due, 'step'))
  }
  await emit(session, {
    runId: text(row, 'run_id'),
    step: text(row, 'step'),
    type: 'effect.answered',
    data: { key: name.key, is: answer.is, by },
  })
  const answered = await session.get(lockOne(session.dialect), { ...name })
  if (answered === undefined) throw new Error(`effect ${name.key} was answered and cannot be found`)
  return effectFrom(answered)
}

/**
 * Whether an effect that a task was to wait for was answered while the task was still being given back. Asked with the task's
 * row locked: whoever answers later finds the task ready, and makes it due.
 */
export async function answeredMeanwhile(session: Session, taskId: number): Promise<boolean> {
  const answered = await session.run(
    `update effects set waiting = null where waiting = :taskId and state in ('done', 'again')`,
    { taskId },
  )
  return answered > 0
}

const lockOne = byDialect(
  (dialect) => `select ${COLUMNS} from effects f where f.scope = :scope and f.key = :key${dialect.forUpdate}`,
)

const MOST = 1000

export async function listEffects(session: Session, filter: EffectFilter): Promise<readonly EffectRow[]> {
  const open = filter.open === true ? `and f.state <> 'done' and f.state <> 'again'` : ''
  const ofRun = filter.runId === undefined ? '' : 'and f.run_id = :runId'
  const ofKey = filter.key === undefined ? '' : 'and f.key = :key'
  const rows = await session.all(
    `select ${COLUMNS} from effects f where true ${open} ${ofRun} ${ofKey}
     order by f.intended_at desc, f.scope, f.key limit :limit`,
    {
      limit: filter.limit ?? MOST,
      ...(filter.runId === undefined ? {} : { runId: filter.runId }),
      ...(filter.key === undefined ? {} : { key: filter.key }),
    },
  )
  return rows.map(effectFrom)
}

function outcomeOf(row: Row): JsonValue {
  return row['outcome'] === null ? null : json<JsonValue>(row, 'outcome')
}

function effectFrom(row: Row): EffectRow {
  return {
    scope: text(row, 'scope'),
    key: text(row, 'key'),
    state: word<EffectState>(row, 'state'),
    runId: text(row, 'run_id'),
    step: text(row, 'step'),
    outcome: outcomeOf(row),
    settledBy: textOrNull(row, 'settled_by'),
    intendedAt: number(row, 'intended_at'),
    settledAt: numberOrNull(row, 'settled_at'),
  }
}
