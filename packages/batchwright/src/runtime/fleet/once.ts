import type { Once, OnceOptions } from '../../job/index.ts'
import { BatchwrightError, reportError, type JsonValue } from '../../kernel/errors.ts'
import { failPoint } from '../../kernel/failpoint.ts'
import type { EffectEnd, EffectIntent, EffectName, EffectVerdict, RunContext } from '../../protocol/index.ts'
import type { Redactor } from '../../observe/index.ts'
import { plainJson } from '../json.ts'
import { otherAnswer, type FleetLine } from './line.ts'

/** Keys are names: of an order, a customer, a day. */
const LONGEST_KEY = 500
/** Bytes of JSON that an outcome may have. */
const LARGEST_OUTCOME = 16_384
/** Effects in one message, and so in one write of the store. */
const AT_ONCE = 500

/**
 * Effects outside, each at most once for its key: the intent is durable before it begins, its outcome before `once` resolves.
 * Those asked for together are written together.
 */
export function onceOf(line: FleetLine, run: RunContext, redactor: Redactor): Once {
  const intents = new Together<EffectIntent, EffectVerdict>(async (effects) => {
    const answer = await line.ask({ ask: 'intend', effects })
    if (answer.answer !== 'intended') throw otherAnswer('intend', answer)
    return answer.verdicts
  })
  const ends = new Together<EffectEnd, undefined>(async (effects) => {
    const answer = await line.ask({ ask: 'settle', effects })
    if (answer.answer !== 'settled') throw otherAnswer('settle', answer)
    return effects.map(() => undefined)
  })
  const underWay = new Map<string, Promise<unknown>>()
  const make: Once = async (key, effect, options) => {
    const name: EffectName = { scope: scopeOf(run, options), key }
    const verdict = await intents.add({ ...name, inDoubt: options.inDoubt })
    // What the effect gave when it was made: the caller's types have said what that is.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
    if (verdict.verdict === 'done') return verdict.outcome as Awaited<ReturnType<typeof effect>>
    if (verdict.verdict === 'wait') throw line.postpone({ waitMs: verdict.waitMs, why: verdict.why })
    failPoint('effect.intended')
    let outcome: Awaited<ReturnType<typeof effect>>
    try {
      outcome = await effect()
    } catch (thrown) {
      const may = options.mayHaveHappened ?? mayHaveHappened
      await ends.add({ ...name, end: may(thrown) ? 'doubtful' : 'withdrawn' })
      throw thrown
    }
    failPoint('effect.made')
    await ends.add({ ...name, end: 'done', outcome: outcomeOf(key, outcome, redactor) })
    failPoint('effect.settled')
    return outcome
  }
  return (key, effect, options) => {
    checkOptions(checkKey(key), options)
    const name = `${scopeOf(run, options)} ${key}`
    const same = underWay.get(name)
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- as with the stored outcome
    if (same !== undefined) return same as Promise<Awaited<ReturnType<typeof effect>>>
    const making = make(key, effect, options)
    underWay.set(name, making)
    line.underWay(making)
    const over = (): void => {
      underWay.delete(name)
    }
    making.then(over, over)
    return making
  }
}

/** Without a fleet: what a key gave is remembered as long as the function is. */
export function onceAlone(): Once {
  const made = new Map<string, Promise<unknown>>()
  return (key, effect, options) => {
    checkOptions(checkKey(key), options)
    const known = made.get(key)
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- as with the stored outcome
    if (known !== undefined) return known as Promise<Awaited<ReturnType<typeof effect>>>
    const making = (async () => await effect())()
    made.set(key, making)
    making.catch(() => made.delete(key))
    return making
  }
}

function scopeOf({ job, runId }: RunContext, { within = 'job' }: OnceOptions): string {
  return within === 'project' ? 'project' : within === 'run' ? `run ${runId}` : `job ${job}`
}

function checkKey(key: unknown): string {
  if (typeof key === 'string' && key.length > 0 && key.length <= LONGEST_KEY) return key
  throw invalid(
    typeof key === 'string'
      ? `a key of ${String(key.length)} characters`
      : `a key that is ${key === null ? 'null' : typeof key}`,
    `Name what happens at most once, in 1 to ${String(LONGEST_KEY)} characters: once(\`mail/\${customer.id}\`, ...).`,
  )
}

const POLICIES: ReadonlySet<unknown> = new Set(['skip', 'repeat', 'ask'])
const PLACES: ReadonlySet<unknown> = new Set([undefined, 'job', 'run', 'project'])

function checkOptions(key: string, options: OnceOptions | undefined): OnceOptions {
  if (!POLICIES.has(options?.inDoubt)) {
    throw invalid(
      `once(${JSON.stringify(key)}) without inDoubt`,
      "Say what happens where nobody knows whether it took place: { inDoubt: 'skip' | 'repeat' | 'ask' }.",
    )
  }
  if (options === undefined || !PLACES.has(options.within)) {
    throw invalid(
      `once(${JSON.stringify(key)}) within something else`,
      "within is 'job' (default), 'run' or 'project'.",
    )
  }
  return options
}

function invalid(found: string, hint: string): BatchwrightError {
  return new BatchwrightError({
    code: 'EFFECT_INVALID',
    message: `once: expected a key and a policy, found ${found}`,
    hint,
  })
}

function outcomeOf(key: string, value: unknown, redactor: Redactor): JsonValue {
  const json = plainJson(`once(${JSON.stringify(key)})`, value)
  if (redactor.holds(json)) {
    throw new BatchwrightError({
      code: 'SECRET_IN_RESULT',
      message: `once(${JSON.stringify(key)}): expected no secret of a service in what the effect returned, found one`,
      hint: 'What an effect returns is kept in the store: leave secrets, and URLs with them, out of it.',
    })
  }
  const bytes = Buffer.byteLength(JSON.stringify(json))
  if (bytes <= LARGEST_OUTCOME) return json
  throw new BatchwrightError({
    code: 'EFFECT_OUTCOME_LARGE',
    message: `once(${JSON.stringify(key)}): expected an outcome of at most ${String(LARGEST_OUTCOME)} bytes, found ${String(bytes)}`,
    hint: 'Return what names the result (an id), and keep the rest where it lies.',
  })
}

/** Errors after which the other side may have done it all the same: the request was out, and no answer came. */
const DOUBTFUL_CODES = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED', 'ABORT_ERR'])
/** Errors of a connection that was never there. */
const NEVER_LEFT_CODES = new Set(['UND_ERR_CONNECT_TIMEOUT'])

function mayHaveHappened(thrown: unknown): boolean {
  if (thrown instanceof Error && (thrown.name === 'AbortError' || thrown.name === 'TimeoutError')) return true
  for (
    let error: ReturnType<typeof reportError> | undefined = reportError(thrown);
    error !== undefined;
    error = error.cause
  ) {
    if (NEVER_LEFT_CODES.has(error.code)) return false
    if (DOUBTFUL_CODES.has(error.code) || error.code.startsWith('UND_ERR_')) return true
    // A call that waited for its permit when the attempt stopped has never left.
    if (error.code.startsWith('ATTEMPT_')) return error.code !== 'ATTEMPT_POSTPONED'
  }
  return false
}

interface Waiting<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (thrown: unknown) => void
}

/** Sends what is asked for while an answer is awaited as one message. */
class Together<Item, Result> {
  readonly #send: (items: readonly Item[]) => Promise<readonly Result[]>
  #waiting: Waiting<Item, Result>[] = []
  #busy = false

  constructor(send: (items: readonly Item[]) => Promise<readonly Result[]>) {
    this.#send = send
  }

  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      // After this turn: those that are asked for at the same time go together from the first message on.
      if (!this.#busy) queueMicrotask(() => void this.#flush())
    })
  }

  async #flush(): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, AT_ONCE)
      try {
        const results = await this.#send(group.map(({ item }) => item))
        if (results.length !== group.length) throw new Error('expected an answer to each question')
        for (const [place, result] of results.entries()) group[place]?.resolve(result)
      } catch (thrown) {
        for (const { reject } of group) reject(thrown)
      }
    }
    this.#busy = false
  }
}
