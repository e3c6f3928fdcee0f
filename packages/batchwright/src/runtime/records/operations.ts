import {
  DROP,
  drop,
  OUTCOME,
  OUTPUT,
  reject,
  REJECT,
  type ProcessContext,
  type RecordOperation,
} from '../../job/index.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import { callable } from '../user-function.ts'
import type { Seen } from './distinct.ts'

/** One link of a step's chain, ready to be called. */
export interface Operation {
  /** A record, a list of records, a reject, a drop, or a promise of one of these. */
  apply(value: object, source: object, context: ProcessContext): unknown
  /** Calls under way at once; 1 where a record must have passed before the next one comes. */
  readonly concurrency: number
}

/** `seen`: what each distinct of the step has seen, by its place in the chain. `files`: where calls may write files. */
export function prepareOperations(
  operations: readonly RecordOperation[],
  seen: ReadonlyMap<number, Seen>,
  files: { around(operation: Operation): Operation } | null = null,
): readonly Operation[] {
  return operations.map((operation, place) => {
    if (operation.operation === 'process') {
      const process = callable<[object, ProcessContext]>(operation.process)
      const { concurrency } = operation
      const plain: Operation = { apply: (value, _source, context) => process(value, context), concurrency }
      return files === null ? plain : files.around(plain)
    }
    const state = seen.get(place)
    if (state === undefined) throw new TypeError(`distinct at place ${place} has no state`)
    return operation.by === null
      ? new DistinctSource(state, operation.reject)
      : new DistinctBy(state, operation.reject, callable<[object, object]>(operation.by))
  })
}

/** Compares source records: all outputs of one share its verdict. */
class DistinctSource implements Operation {
  readonly concurrency = 1
  readonly #seen: Seen
  readonly #duplicate: object
  #source: object | null = null
  #first = false

  constructor(seen: Seen, rule: string | null) {
    this.#seen = seen
    this.#duplicate = duplicate(rule)
  }

  apply(value: object, source: object): object {
    if (source !== this.#source) {
      this.#first = this.#seen.first(source)
      this.#source = source
    }
    return this.#first ? value : this.#duplicate
  }
}

/** Compares what `by` makes of a record. */
class DistinctBy implements Operation {
  readonly concurrency = 1
  readonly #seen: Seen
  readonly #duplicate: object
  readonly #by: (record: object, source: object) => unknown

  constructor(seen: Seen, rule: string | null, by: (record: object, source: object) => unknown) {
    this.#seen = seen
    this.#duplicate = duplicate(rule)
    this.#by = by
  }

  apply(value: object, source: object): object {
    return this.#seen.first(this.#by(value, source)) ? value : this.#duplicate
  }
}

function duplicate(rule: string | null): object {
  return rule === null ? drop() : reject(rule)
}

/** What a call gave, once it is no promise. */
export type Result =
  /** Records for named outputs (`GivenByName`) among them. */
  | { readonly kind: 'records'; readonly records: readonly object[] }
  | { readonly kind: 'rejected'; readonly rule: string; readonly detail: string | null }

export const DROPPED: Result = { kind: 'records', records: [] }

/** Reads a settled result. Throws PROCESS_RESULT_INVALID for anything that `process` may not return. */
export function readResult(result: unknown): Result {
  if (!isObject(result)) throw resultInvalid(result)
  if (Array.isArray(result)) {
    const records: object[] = []
    for (const item of result as readonly unknown[]) {
      const inner = readResult(item)
      if (inner.kind === 'rejected') return inner
      records.push(...inner.records)
    }
    return { kind: 'records', records }
  }
  if (REJECT in result) {
    const { [REJECT]: rule, detail } = result as { readonly [REJECT]: unknown; readonly detail?: unknown }
    return { kind: 'rejected', rule: String(rule), detail: typeof detail === 'string' ? detail : null }
  }
  if (OUTPUT in result) return { kind: 'records', records: [givenByName(result)] }
  return DROP in result ? DROPPED : { kind: 'records', records: [result] }
}

/** A record for a named output: it passes no further operation. */
export class GivenByName {
  readonly output: string
  readonly record: object

  constructor(output: string, record: object) {
    this.output = output
    this.record = record
  }
}

function givenByName(result: object): GivenByName {
  const output: unknown = Reflect.get(result, OUTPUT)
  const record: unknown = Reflect.get(result, 'record')
  if (isPlain(record)) return new GivenByName(String(output), record)
  throw resultInvalid(record, `output(${JSON.stringify(String(output))}, ...)`)
}

/** An ordinary record, to be passed on as it is. */
export function isPlain(result: unknown): result is object {
  return isObject(result) && !Array.isArray(result) && !(OUTCOME in result) && !isThenable(result)
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return isObject(value) && 'then' in value && typeof value.then === 'function'
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function resultInvalid(result: unknown, where = 'process'): BatchwrightError {
  const found = result === null ? 'null' : typeof result
  return new BatchwrightError({
    code: 'PROCESS_RESULT_INVALID',
    message: `${where}: expected a record, an array of records, output(...), reject(...) or drop(), found ${found}`,
    hint: found === 'undefined' ? 'Return the record, or drop() where it is not wanted.' : 'Return an object.',
  })
}
