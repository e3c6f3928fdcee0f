/** `effects`: effects outside that happen at most once, and a person's word on those in doubt. */
import { BatchwrightError, type JsonValue } from '../../kernel/errors.ts'
import type { EffectAnswer, EffectRow, Store } from '../../store/index.ts'
import { usageError } from '../failure.ts'
import { table, type Cell } from '../render/table.ts'
import { instant, isoOrNull, plural } from '../render/text.ts'
import { requester } from '../requester.ts'
import { selectRun } from '../select.ts'
import type { Session } from '../session.ts'

export interface EffectsOptions {
  readonly key?: string | undefined
  readonly all?: boolean
  readonly run?: string
  readonly limit: number
}

export interface SettleOptions {
  readonly done?: boolean
  readonly outcome?: string
  readonly repeat?: boolean
  readonly scope?: string
}

/** `batchwright effects list`: `{ total, items: [effect] }`. */
export async function effects(session: Session, { key, all, run, limit }: EffectsOptions): Promise<void> {
  const { terminal } = session
  const store = await session.store()
  const rows = await store.listEffects({
    limit,
    open: all !== true,
    ...(key === undefined ? {} : { key }),
    ...(run === undefined ? {} : { runId: (await selectRun(store, { run })).runId }),
  })
  terminal.printJson({ total: rows.length, items: rows.map(effectJson) })
  if (rows.length === 0) {
    terminal.print([all === true ? 'no effects' : 'no effect is in doubt'])
    return
  }
  const titles = ['key', 'scope', 'state', 'since', 'step'].map((title) => ({ title }))
  terminal.print(table(titles, rows.map(rowOf), terminal))
  const asked = rows.filter(({ state }) => state === 'asked')
  const [first] = asked
  if (first === undefined) return
  terminal.print([
    '',
    `${plural(asked.length, 'task')} waiting for your word: did it take place?`,
    `  batchwright effects settle ${JSON.stringify(first.key)} --done`,
    `  batchwright effects settle ${JSON.stringify(first.key)} --repeat`,
  ])
}

/** `batchwright effects settle`: the effect as it stands then. */
export async function settle(session: Session, key: string, options: SettleOptions): Promise<void> {
  const { terminal } = session
  const answer = answerOf(options)
  const store = await session.store()
  const scope = options.scope ?? (await scopeOf(store, key))
  const row = await store.answerEffect({ scope, key }, answer, requester())
  terminal.printJson(effectJson(row))
  terminal.print([
    answer.is === 'done' ? `effect ${key} took place: nothing more happens for it` : `effect ${key} is made again`,
  ])
}

function answerOf({ done, outcome, repeat }: SettleOptions): EffectAnswer {
  if (repeat === true) return { is: 'again' }
  if (done !== true) {
    throw usageError({
      code: 'USAGE',
      message: 'effects settle: expected --done or --repeat, found neither',
      hint: '--done where it took place, --repeat where it did not',
    })
  }
  return { is: 'done', outcome: outcome === undefined ? null : readOutcome(outcome) }
}

function readOutcome(text: string): JsonValue {
  try {
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- whatever JSON says is a JsonValue
    return JSON.parse(text) as JsonValue
  } catch (cause) {
    throw usageError({
      code: 'USAGE',
      message: `--outcome: expected JSON, found ${text}: ${cause instanceof Error ? cause.message : String(cause)}`,
      hint: `for example --outcome '{"id":7}'`,
    })
  }
}

/** Where a key is in doubt, if that is one place. */
async function scopeOf(store: Store, key: string): Promise<string> {
  const known = await store.listEffects({ key })
  const open = known.filter(({ state }) => state !== 'done' && state !== 'again')
  const [first, ...more] = open.length > 0 ? open : known
  if (first !== undefined && more.length === 0) return first.scope
  throw new BatchwrightError({
    code: 'EFFECT_UNKNOWN',
    message:
      first === undefined
        ? `expected an effect ${key}, found none`
        : `expected one effect ${key}, found it in ${[first, ...more].map(({ scope }) => JSON.stringify(scope)).join(', ')}`,
    hint:
      first === undefined
        ? 'list those in doubt: batchwright effects list'
        : `say which: --scope ${JSON.stringify(first.scope)}`,
  })
}

function rowOf({ key, scope, state, intendedAt, step, settledBy }: EffectRow): readonly Cell[] {
  const tone = state === 'done' ? 'good' : state === 'asked' ? 'bad' : 'warn'
  const text = settledBy === null ? state : `${state} (${settledBy})`
  return [key, scope, { text, tone }, instant(intendedAt), step]
}

function effectJson(row: EffectRow): JsonValue {
  const { key, scope, state, runId, step, outcome, settledBy } = row
  return {
    key,
    scope,
    state,
    runId,
    step,
    outcome,
    settledBy,
    intendedAt: isoOrNull(row.intendedAt),
    settledAt: isoOrNull(row.settledAt),
  }
}
