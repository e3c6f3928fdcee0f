import type { Fault } from '../../job/index.ts'
import type { Batch } from '../../data/contract.ts'
import { reportError } from '../../kernel/errors.ts'
import { AttemptStopped } from '../stop.ts'
import type { Cause } from './tally.ts'

/** A record of the chunk that is set aside, before it becomes a dead letter. */
export interface SetAside {
  /** In the batch. */
  readonly index: number
  readonly cause: Cause
  readonly reason: string
  readonly message: string
  /** What was thrown; null for rules and faults. */
  readonly error: unknown
}

/** Output records on their way to one output of a step. */
export interface Stream {
  outputs: object[]
  /** Index in the batch of the record that each came from; ascending. */
  origins: number[]
}

/**
 * What became of a slice of a batch: output records with the input each came from, records set aside, and a count of those
 * dropped. An input has one fate: where one of its outputs is set aside, none of them is written.
 */
export class Chunk implements Stream {
  readonly batch: Batch
  readonly from: number
  readonly to: number
  outputs: object[] = []
  /** Index in the batch of the record that each output came from; ascending. */
  origins: number[] = []
  /** Records for named outputs, by name; null where there are none. */
  named: Map<string, Stream> | null = null
  setAside: SetAside[] = []
  dropped = 0

  constructor(batch: Batch, from: number, to: number) {
    this.batch = batch
    this.from = from
    this.to = to
  }

  /** Records taken from the source. */
  get read(): number {
    return this.to - this.from
  }

  /** Input records whose output is to be written. */
  get accepted(): number {
    return this.read - this.dropped - this.setAside.length
  }

  write(index: number, output: object): void {
    this.outputs.push(output)
    this.origins.push(index)
  }

  /** Gives a record to a named output. */
  give(index: number, output: string, record: object): void {
    this.named ??= new Map()
    const stream = this.named.get(output)
    if (stream === undefined) this.named.set(output, { outputs: [record], origins: [index] })
    else {
      stream.outputs.push(record)
      stream.origins.push(index)
    }
  }

  reject(index: number, rule: string, detail: string | null): void {
    this.setAside.push({ index, cause: 'rule', reason: rule, message: detail ?? rule, error: null })
  }

  refuse(index: number, fault: Fault): void {
    this.setAside.push({ index, cause: 'contract', reason: fault.reason, message: fault.message, error: null })
  }

  /** Sets a failed record aside. A hard stop is no failure of a record: it is thrown on. */
  fail(index: number, thrown: unknown): void {
    if (thrown instanceof AttemptStopped) throw thrown
    this.setAside.push(failure(index, thrown))
  }

  /** Takes back the outputs of records that turned out to be unwritable, and sets those records aside in their places. */
  failWritten(failed: ReadonlyMap<number, unknown>): void {
    for (const stream of [this, ...(this.named?.values() ?? [])]) takeBack(stream, failed)
    for (const [index, thrown] of failed) this.fail(index, thrown)
    this.inOrder()
  }

  /** Puts the records set aside into the order of the source. */
  inOrder(): void {
    this.setAside.sort((a, b) => a.index - b.index)
  }
}

function takeBack(stream: Stream, failed: ReadonlyMap<number, unknown>): void {
  stream.outputs = stream.outputs.filter((_, place) => !failed.has(stream.origins[place] ?? -1))
  stream.origins = stream.origins.filter((origin) => !failed.has(origin))
}

function failure(index: number, thrown: unknown): SetAside {
  const { code, message } = reportError(thrown)
  return { index, cause: 'error', reason: code, message, error: thrown }
}
