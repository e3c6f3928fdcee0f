import type { Limit, RecordsStep } from '../../job/index.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import { sentence } from '../../kernel/sentence.ts'
import type { Batch } from '../../data/index.ts'
import { worthRetrying } from '../retry.ts'
import type { Chunk, SetAside } from './chunk.ts'
import type { Tally } from './tally.ts'

/** The limits that are judged at once. Ratios are judged over the whole step, at verification. */
export class Limits {
  readonly #step: RecordsStep
  readonly #tally: Tally

  constructor(step: RecordsStep, tally: Tally) {
    this.#step = step
    this.#tally = tally
  }

  /** Judges what the chunk sets aside, before any of it is written. Throws RECORD_FAILED, LIMIT_EXCEEDED. */
  judge(chunk: Chunk): void {
    if (chunk.setAside.length === 0) return
    let unexpected = this.#tally.unexpected
    const byRule = new Map<string, number>()
    for (const aside of chunk.setAside) {
      if (aside.cause === 'rule') {
        const count = (byRule.get(aside.reason) ?? this.#tally.withReason(aside.reason)) + 1
        byRule.set(aside.reason, count)
        this.#judgeRule(aside, count, chunk.batch)
      } else {
        unexpected += 1
        this.#judgeUnexpected(aside, unexpected, chunk.batch)
      }
    }
  }

  #judgeRule(aside: SetAside, count: number, batch: Batch): void {
    const limit = this.#step.rejects.get(aside.reason) ?? this.#step.rejects.get('*')
    if (limit === undefined || withinCount(limit, count)) return
    throw this.#exceeded(`rejects by rule ${aside.reason}`, limit, count, aside, batch)
  }

  #judgeUnexpected(aside: SetAside, count: number, batch: Batch): void {
    const { skip } = this.#step
    if (withinCount(skip, count)) return
    if (allowsNone(skip)) throw recordFailed(this.#step, aside, batch)
    throw this.#exceeded('records that fail (skip)', skip, count, aside, batch)
  }

  #exceeded(what: string, limit: Limit, count: number, aside: SetAside, batch: Batch): BatchwrightError {
    const { source, record, offset } = batch.locate(aside.index)
    return new BatchwrightError({
      code: 'LIMIT_EXCEEDED',
      message:
        `step ${this.#step.name}: expected at most ${limit.count ?? 0} ${what}, found ${count}; ` +
        `the last is record ${record} of ${source}: ${whyAside(aside)}`,
      hint: 'Look at them with `batchwright dead-letters list RUN --step STEP`. Mend the rule or raise the limit in the job file, then `batchwright retry RUN` goes on; or mend the data, then `batchwright rerun JOB --window WINDOW` begins anew.',
      details: {
        step: this.#step.name,
        limit: limit.count ?? 0,
        count,
        reason: aside.reason,
        source,
        record,
        offset,
        raw: cutRaw(batch.raw(aside.index)),
      },
      ...(aside.error === null ? {} : { cause: aside.error }),
    })
  }
}

function allowsNone(limit: Limit): boolean {
  return limit.ratio === null && (limit.count ?? 0) === 0
}

function withinCount(limit: Limit, count: number): boolean {
  if (limit.count !== null) return count <= limit.count
  return limit.ratio !== null
}

/** A record failed and the step skips none: the attempt fails with it. */
function recordFailed(step: RecordsStep, aside: SetAside, batch: Batch): BatchwrightError {
  const { source, record, offset } = batch.locate(aside.index)
  return new BatchwrightError({
    code: 'RECORD_FAILED',
    message: `step ${step.name}: record ${record} of ${source} failed: ${whyAside(aside)}`,
    hint: hintFor(aside),
    details: { step: step.name, source, record, offset, reason: aside.reason, raw: cutRaw(batch.raw(aside.index)) },
    ...(aside.error === null ? {} : { cause: aside.error, retryable: worthRetrying(step.retry, aside.error) }),
  })
}

/** What to do first: where the data breaks its contract it is the data that wants mending, else the code. */
function hintFor({ error, cause }: SetAside): string {
  const skip = "To set such records aside instead, give the step .skip('1%')"
  if (cause === 'contract') {
    return `Mend the data, then \`batchwright rerun JOB --window WINDOW\` begins anew. ${skip}, then \`batchwright retry RUN\`.`
  }
  const own = error instanceof BatchwrightError ? error.hint : undefined
  return `${own === undefined ? 'Mend the job file, then' : `${sentence(own)} Then`} \`batchwright retry RUN\` goes on. ${skip}.`
}

/** Why a record was set aside: rules and errors of the user's own making speak for themselves. */
function whyAside({ reason, message }: SetAside): string {
  return reason === 'USER_ERROR' || reason === message ? message : `${reason}: ${message}`
}

/** Characters of a record that an error shows. */
const RAW_SHOWN = 400

function cutRaw(raw: string): string {
  return raw.length <= RAW_SHOWN ? raw : `${raw.slice(0, RAW_SHOWN)}…`
}
