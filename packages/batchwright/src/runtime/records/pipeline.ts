import { Fault, type ProcessContext } from '../../job/index.ts'
import type { Batch } from '../../data/contract.ts'
import { RecordContext, type ContextBase } from '../context.ts'
import { Chunk } from './chunk.ts'
import { GivenByName, isPlain, isThenable, readResult, type Operation, type Result } from './operations.ts'

/** What the pipeline asks of the attempt around it. */
export interface Patience {
  /** Whether the failure of one record is worth another try. */
  worth(thrown: unknown): boolean
  /** Tries `again` until it succeeds, is not worth it any more, or attempts are used up: then throws the last failure. */
  retry(thrown: unknown, again: () => unknown): Promise<unknown>
  /** Waits for user code, but not beyond a hard stop. */
  settle(work: PromiseLike<unknown>): Promise<unknown>
}

/** A record on its way through the operations of a stage. */
interface Passage {
  readonly index: number
  readonly source: object
  values: readonly object[]
}

/** Yields promises to be awaited, takes what they gave, returns the record's result. */
type Passing = Generator<PromiseLike<unknown>, Result, unknown>

/**
 * The operations of a records step, applied to a slice of a batch. Each record passes all operations before the next one
 * starts; synchronous functions cost no promise. Only at a `process` with a concurrency above 1 do the records of the chunk
 * gather, are worked on together within that limit, and go on in their order.
 */
export class Pipeline {
  readonly #stages: readonly (readonly Operation[])[]
  readonly #base: ContextBase
  readonly #patience: Patience

  constructor(operations: readonly Operation[], base: ContextBase, patience: Patience) {
    this.#stages = stagesOf(operations)
    this.#base = base
    this.#patience = patience
  }

  /** Runs the records from `from` to `to` (exclusive). `unwritable`: records found so earlier, by index, with their errors. */
  async run(batch: Batch, from: number, to: number, unwritable: ReadonlyMap<number, unknown>): Promise<Chunk> {
    const chunk = new Chunk(batch, from, to)
    const [first = [], ...more] = this.#stages
    if (more.length === 0 && !isWide(first)) await this.#straight(first, chunk, unwritable)
    else await this.#staged(chunk, unwritable)
    return chunk
  }

  /** Record by record into the chunk, waiting only where a function returned a promise. */
  async #straight(
    operations: readonly Operation[],
    chunk: Chunk,
    unwritable: ReadonlyMap<number, unknown>,
  ): Promise<void> {
    const context = new RecordContext(this.#base, chunk.batch, chunk.from)
    for (let next = chunk.from; next < chunk.to;) {
      const waiting = this.#sweep(operations, chunk, next, context, unwritable)
      if (waiting === null) return
      await this.#settled(waiting.passing, waiting.promise, chunk, waiting.index)
      next = waiting.index + 1
    }
  }

  /** The hot loop: goes on to the first record that has to be waited for, or to the end of the chunk. */
  #sweep(
    operations: readonly Operation[],
    chunk: Chunk,
    from: number,
    context: RecordContext,
    unwritable: ReadonlyMap<number, unknown>,
  ): { readonly index: number; readonly passing: Passing; readonly promise: PromiseLike<unknown> } | null {
    const { records } = chunk.batch
    const count = operations.length
    const mayBeUnwritable = unwritable.size > 0
    for (let index = from; index < chunk.to; index += 1) {
      const source = records[index]
      if (source === undefined || !enters(chunk, index, source)) continue
      if (mayBeUnwritable && unwritable.has(index)) {
        chunk.fail(index, unwritable.get(index))
        continue
      }
      context.index = index
      let value: object = source
      let place = 0
      let passing: Passing | null = null
      try {
        for (; place < count; place += 1) {
          const result = operations[place]?.apply(value, source, context)
          if (!isPlain(result)) {
            passing = this.#passOn({ index, source, values: [value] }, operations, place, context, result)
            break
          }
          value = result
        }
      } catch (thrown) {
        passing = this.#passAfter({ index, source, values: [value] }, operations, place, context, thrown)
      }
      if (passing === null) {
        chunk.write(index, value)
        continue
      }
      const promise = advance(passing, chunk, index)
      if (promise !== null) return { index, passing, promise }
    }
    return null
  }

  /** Goes on after an operation that gave something else than one plain record. */
  *#passOn(
    passage: Passage,
    operations: readonly Operation[],
    place: number,
    context: ProcessContext,
    given: unknown,
  ): Passing {
    const result = readResult(
      isThenable(given) ? yield* this.#waited(passage, operations, place, context, given) : given,
    )
    if (result.kind === 'rejected') return result
    return yield* this.#pass({ ...passage, values: result.records }, operations, place + 1, context)
  }

  /** Goes on after an operation that threw: tries it again, where that may help. */
  *#passAfter(
    passage: Passage,
    operations: readonly Operation[],
    place: number,
    context: ProcessContext,
    thrown: unknown,
  ): Passing {
    const result = readResult(yield* this.#retried(passage, operations, place, context, thrown))
    if (result.kind === 'rejected') return result
    return yield* this.#pass({ ...passage, values: result.records }, operations, place + 1, context)
  }

  /** The general way: any number of values, through the operations from `place` on. */
  *#pass(passage: Passage, operations: readonly Operation[], place: number, context: ProcessContext): Passing {
    let values = passage.values
    for (const [offset, operation] of operations.slice(place).entries()) {
      const made: object[] = []
      for (const value of values) {
        if (value instanceof GivenByName) {
          made.push(value)
          continue
        }
        const single = { ...passage, values: [value] }
        let given: unknown
        try {
          given = operation.apply(value, passage.source, context)
        } catch (thrown) {
          given = yield* this.#retried(single, operations, place + offset, context, thrown)
        }
        if (isThenable(given)) given = yield* this.#waited(single, operations, place + offset, context, given)
        const result = readResult(given)
        if (result.kind === 'rejected') return result
        made.push(...result.records)
      }
      values = made
    }
    return { kind: 'records', records: values }
  }

  *#waited(
    passage: Passage,
    operations: readonly Operation[],
    place: number,
    context: ProcessContext,
    promise: PromiseLike<unknown>,
  ): Generator<PromiseLike<unknown>, unknown, unknown> {
    try {
      return yield this.#patience.settle(promise)
    } catch (thrown) {
      return yield* this.#retried(passage, operations, place, context, thrown)
    }
  }

  *#retried(
    passage: Passage,
    operations: readonly Operation[],
    place: number,
    context: ProcessContext,
    thrown: unknown,
  ): Generator<PromiseLike<unknown>, unknown, unknown> {
    const [value] = passage.values
    const operation = operations[place]
    if (value === undefined || operation === undefined || !this.#patience.worth(thrown)) throw thrown
    return yield this.#patience.retry(thrown, () => operation.apply(value, passage.source, context))
  }

  async #settled(passing: Passing, first: PromiseLike<unknown>, chunk: Chunk, index: number): Promise<void> {
    for (let promise: PromiseLike<unknown> | null = first; promise !== null;) {
      const answer: Answer = await promise.then(given, failed)
      promise = advance(passing, chunk, index, answer)
    }
  }

  /** With wide operations: all records of the chunk through one stage, then through the next. */
  async #staged(chunk: Chunk, unwritable: ReadonlyMap<number, unknown>): Promise<void> {
    let passages: Passage[] = []
    for (let index = chunk.from; index < chunk.to; index += 1) {
      const source = chunk.batch.records[index]
      if (source === undefined || !enters(chunk, index, source)) continue
      if (unwritable.has(index)) chunk.fail(index, unwritable.get(index))
      else passages.push({ index, source, values: [source] })
    }
    for (const stage of this.#stages) passages = await this.#through(stage, passages, chunk)
    for (const { index, values } of passages) for (const value of values) write(chunk, index, value)
    chunk.inOrder()
  }

  async #through(stage: readonly Operation[], passages: readonly Passage[], chunk: Chunk): Promise<Passage[]> {
    const width = stage[0]?.concurrency ?? 1
    const results: (Result | null)[] = passages.map(() => null)
    const work = passages.entries()
    const lane = async (): Promise<void> => {
      for (const [at, passage] of work) results[at] = await this.#alone(stage, passage, chunk)
    }
    const lanes = await Promise.allSettled(Array.from({ length: Math.min(width, passages.length) }, lane))
    for (const outcome of lanes) if (outcome.status === 'rejected') throw outcome.reason
    return passages.flatMap((passage, at) => leaves(passage, results[at] ?? null, chunk))
  }

  /** One record through one stage, with a context of its own; null where it failed and was set aside. */
  async #alone(stage: readonly Operation[], passage: Passage, chunk: Chunk): Promise<Result | null> {
    const context = new RecordContext(this.#base, chunk.batch, passage.index)
    const passing = this.#pass(passage, stage, 0, context)
    try {
      let step = passing.next()
      while (step.done !== true) {
        const answer: Answer = await step.value.then(given, failed)
        step = answer.failed ? passing.throw(answer.thrown) : passing.next(answer.value)
      }
      return step.value
    } catch (thrown) {
      chunk.fail(passage.index, thrown)
      return null
    }
  }
}

/** A wide operation makes a stage of its own; the others between two of them share one. */
function stagesOf(operations: readonly Operation[]): readonly (readonly Operation[])[] {
  const stages: Operation[][] = []
  let narrow: Operation[] | null = null
  for (const operation of operations) {
    if (operation.concurrency > 1) {
      stages.push([operation])
      narrow = null
    } else if (narrow === null) {
      narrow = [operation]
      stages.push(narrow)
    } else narrow.push(operation)
  }
  return stages
}

function isWide(stage: readonly Operation[]): boolean {
  return (stage[0]?.concurrency ?? 1) > 1
}

/** False for a record that the source or the contract refused: it is set aside here. */
function enters(chunk: Chunk, index: number, source: object): boolean {
  if (!(source instanceof Fault)) return true
  chunk.refuse(index, source)
  return false
}

type Answer = { readonly failed: false; readonly value: unknown } | { readonly failed: true; readonly thrown: unknown }

function given(value: unknown): Answer {
  return { failed: false, value }
}

function failed(thrown: unknown): Answer {
  return { failed: true, thrown }
}

/** Takes a passing on to its next promise, or to its end: then the record's fate goes into the chunk and null comes back. */
function advance(
  passing: Passing,
  chunk: Chunk,
  index: number,
  answer: Answer = { failed: false, value: undefined },
): PromiseLike<unknown> | null {
  try {
    const step = answer.failed ? passing.throw(answer.thrown) : passing.next(answer.value)
    if (step.done !== true) return step.value
    settle(chunk, index, step.value)
  } catch (thrown) {
    chunk.fail(index, thrown)
  }
  return null
}

/** Writes a record's result into the chunk. */
function settle(chunk: Chunk, index: number, result: Result): void {
  if (result.kind === 'rejected') chunk.reject(index, result.rule, result.detail)
  else if (result.records.length === 0) chunk.dropped += 1
  else for (const record of result.records) write(chunk, index, record)
}

function write(chunk: Chunk, index: number, record: object): void {
  if (record instanceof GivenByName) chunk.give(index, record.output, record.record)
  else chunk.write(index, record)
}

/** What goes on to the next stage of a record that has passed one: itself, or nothing. */
function leaves(passage: Passage, result: Result | null, chunk: Chunk): Passage[] {
  if (result === null) return []
  if (result.kind === 'records' && result.records.length > 0) return [{ ...passage, values: result.records }]
  settle(chunk, passage.index, result)
  return []
}
