import { outputCheck } from '../../data/index.ts'
import { Fault, type ContractDefinition, type DatasetDefinition, type KeyedState } from '../../job/index.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import { dryFunction, RecordContext } from '../../runtime/index.ts'
import type { DryFate } from '../../runtime/index.ts'
import type { ContractSubject } from '../contracts/subject.ts'
import { outcomeOf, reportOf } from './outcome.ts'
import type { StepOutcome, StepReport } from './outcome.ts'
import { readGiven } from './read-given.ts'
import type { ReadingAs } from './read-given.ts'
import { contextFor, fillState } from './setting.ts'
import type { StepTestOptions } from './setting.ts'

/** What a test of a function by itself may say. */
export interface FunctionTestOptions extends StepTestOptions {
  /** What records are read by: they may be given as raw columns then, and broken ones are set aside. */
  readonly reads?: ContractSubject<unknown>
  /** What the function's records are held against. */
  readonly writes?: ContractSubject<unknown>
}

/** A `process` function by itself, on one record or on a list. */
export async function testFunction(
  process: (record: never, context: never) => unknown,
  given: object,
  options: FunctionTestOptions,
): Promise<StepOutcome<object> | StepReport<object>> {
  const state = new MapState()
  fillState(state, options.state)
  const place = { locate: (index: number) => ({ source: 'test', windowKey: null, record: index + 1, offset: null }) }
  const base = { ...contextFor(null, options, options.services ?? {}), state }
  const reading = options.reads === undefined ? null : readingAs(options.reads, options.contractVersion)
  const check = options.writes === undefined ? null : checkOf(options.writes)
  const one = async (record: object, index: number): Promise<StepOutcome<object>> => {
    const read = reading === null ? record : readGiven(record, reading)
    const context = new RecordContext(base, place, index)
    return outcomeOf(read instanceof Fault ? refused(read) : await dryFunction(process, read, context, check))
  }
  if (!Array.isArray(given)) return one(given, 0)
  const outcomes: StepOutcome<object>[] = []
  for (const [index, record] of (given as readonly object[]).entries()) outcomes.push(await one(record, index))
  return reportOf(outcomes, {})
}

function refused({ reason, message }: Fault): DryFate {
  return { fate: 'dead', cause: 'contract', reason, message, error: null, stack: null }
}

function readingAs(reads: ContractDefinition | DatasetDefinition, version: number | undefined): ReadingAs {
  const at = version === undefined ? {} : { version }
  return 'contract' in reads
    ? { contract: reads.contract, text: reads.format.format === 'csv', source: `dataset ${reads.name}`, ...at }
    : { contract: reads, text: false, source: `contract(${String(reads.version)})`, ...at }
}

function checkOf(writes: ContractDefinition | DatasetDefinition): (record: object) => Fault | null {
  return 'contract' in writes ? outputCheck(writes) : (record) => writes.schema.check(record)
}

/** Keyed state of a function that belongs to no step. */
class MapState implements KeyedState {
  readonly #values = new Map<string, JsonValue>()

  get(key: string): JsonValue | undefined {
    return this.#values.get(key)
  }

  set(key: string, value: JsonValue): void {
    this.#values.set(key, value)
  }
}
