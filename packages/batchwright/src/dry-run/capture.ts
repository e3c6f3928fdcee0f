/** Looks over the shoulder of a step's own functions: what goes in, and what comes out. */
import {
  OUTPUT,
  type FoldDefinition,
  type Named,
  type ProcessContext,
  type RecordOperation,
  type RecordsStep,
  type ReduceStep,
} from '../job/index.ts'
import type { DryKey, DryMade, Row } from './contract.ts'
import { rowsBy, type RowMaker } from './rows.ts'

/** Records and keys that are kept of each step. */
const KEPT = 50
/** Records kept of one key. */
const KEPT_OF_KEY = 3

/** A record that came in, and what came out of it so far. */
export interface SeenRecord {
  readonly source: string
  readonly record: number
  readonly before: Row
  readonly after: DryMade[]
}

export type SeenKey = Omit<DryKey, 'records' | 'before' | 'after'> & { records: number; before: Row[]; after: Row[] }

/** What was seen of one step. */
export interface Seen {
  readonly records: Map<string, SeenRecord>
  readonly keys: Map<string, SeenKey>
}

export function newSeen(): Seen {
  return { records: new Map(), keys: new Map() }
}

/** The step with an eye before its first operation, and one behind its last. */
export function watchRecords(step: RecordsStep, seen: Seen): RecordsStep {
  const input = rowsBy(step.input.from === 'dataset' ? step.input.dataset.contract.schema : null)
  const output = rowsBy(step.output?.dataset.contract.schema ?? null)
  const place = ({ position }: ProcessContext): string => `${position.source}\n${String(position.record)}`
  const enter = watching((record, context) => {
    if (seen.records.size >= KEPT) return
    const { source, record: number } = context.position
    seen.records.set(place(context), { source, record: number, before: input(record), after: [] })
  })
  const leave = watching((record, context) => {
    seen.records.get(place(context))?.after.push({ output: null, row: output(record) })
  })
  const named =
    step.named.size === 0 ? step.operations : step.operations.map((operation) => watchNamed(operation, noteNamed))
  return { ...step, operations: [enter, ...named, leave] }

  function noteNamed(name: string, record: object, context: ProcessContext): void {
    const row = rowsBy(step.named.get(name)?.output?.dataset.contract.schema ?? null)
    seen.records.get(place(context))?.after.push({ output: name, row: row(record) })
  }
}

/** Records for named outputs pass no further operation: they are seen where they are given. */
function watchNamed(
  operation: RecordOperation,
  note: (name: string, record: object, context: ProcessContext) => void,
): RecordOperation {
  if (operation.operation !== 'process') return operation
  const look = (result: unknown, context: ProcessContext): void => {
    for (const each of recordsIn(result)) if (isNamed(each)) note(each[OUTPUT], each.record, context)
  }
  return {
    ...operation,
    process: (record, context) => {
      const result = operation.process(record, context)
      if (result instanceof Promise) {
        return result.then((given: unknown) => {
          look(given, context)
          return given
        })
      }
      look(result, context)
      return result
    },
  }
}

function isNamed(value: object): value is Named {
  return OUTPUT in value
}

function watching(look: (record: object, context: ProcessContext) => void): RecordOperation {
  const process = (record: object, context: ProcessContext): object => {
    look(record, context)
    return record
  }
  return { operation: 'process', process, concurrency: 1 }
}

/** The step with a fold that remembers what its first keys were made of. */
export function watchReduce(step: ReduceStep, seen: Seen): ReduceStep {
  const { add, finish } = step.fold
  const input = rowsBy(null)
  const output = rowsBy(step.output?.dataset.contract.schema ?? null)
  const fold: FoldDefinition = {
    ...step.fold,
    add: (state, record) => {
      noteRecord(seen, step.key(record), record, input)
      return add(state, record)
    },
    finish: (state, key, context) => {
      const result = finish(state, key, context)
      const known = seen.keys.get(key)
      if (known !== undefined) known.after.push(...recordsIn(result).map(output))
      return result
    },
  }
  return { ...step, fold }
}

function noteRecord(seen: Seen, key: string, record: object, row: RowMaker): void {
  const known = seen.keys.get(key) ?? { key, records: 0, before: [], after: [] }
  if (known.records === 0 && seen.keys.size >= KEPT) return
  if (known.before.length < KEPT_OF_KEY) known.before.push(row(record))
  known.records += 1
  seen.keys.set(key, known)
}

function recordsIn(result: unknown): readonly object[] {
  const list: readonly unknown[] = Array.isArray(result) ? result : [result]
  return list.filter((each) => typeof each === 'object' && each !== null)
}
