import { outputCheck } from '../../data/index.ts'
import type { ProcessContext, ReduceStep } from '../../job/index.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { ControlTotals } from '../../protocol/index.ts'
import { NO_STATE, RecordContext, type ContextBase } from '../context.ts'
import { Controls } from '../records/controls.ts'
import { isThenable, readResult } from '../records/operations.ts'
import { byCodeUnits, Folder, foldFailed, type Folded } from '../reduce/fold.ts'
import { callable } from '../user-function.ts'
import { checkingSink } from './checking-sink.ts'

/** A key of a reduce step, and what its records were folded into. */
export interface DryKey {
  readonly key: string
  /** Records that were added. */
  readonly added: number
  readonly records: readonly object[]
}

export interface DryReduceRequest {
  readonly step: ReduceStep
  readonly context: Omit<ContextBase, 'state'>
}

/**
 * A reduce step with its sinks off, in memory: folds what it is given and gives each key's output in the order of keys, held
 * against the contract of the step's output. Throws FOLD_FAILED with the key, as the step would.
 */
export class DryReduce {
  readonly #step: ReduceStep
  readonly #folder: Folder
  readonly #context: ProcessContext
  readonly #states = new Map<string, { state: unknown; added: number }>()
  readonly #controls: Controls
  readonly #finishKey: (state: unknown, key: string, context: ProcessContext) => unknown

  constructor({ step, context }: DryReduceRequest) {
    this.#step = step
    this.#folder = new Folder(step)
    this.#controls = new Controls(step.controls, {})
    this.#finishKey = callable<[unknown, string, ProcessContext]>(step.fold.finish)
    const place = { locate: () => ({ source: step.name, windowKey: null, record: 0, offset: null }) }
    this.#context = new RecordContext({ ...context, state: NO_STATE }, place, 0)
  }

  /** Folds records, in order. */
  add(records: readonly object[]): void {
    for (const record of records) {
      const key = this.#step.key(record)
      const known = this.#states.get(key) ?? { state: this.#folder.initial(key), added: 0 }
      this.#states.set(key, { state: this.#folder.add(known.state, record, key), added: known.added + 1 })
    }
  }

  /** What each key gives, in code-unit order of keys; of those that `wanted` lets through. */
  async *finish(wanted: (key: string) => boolean = () => true): AsyncGenerator<DryKey, void, undefined> {
    for (const key of [...this.#states.keys()].filter(wanted).sort(byCodeUnits)) {
      const { state, added } = this.#states.get(key) ?? { state: undefined, added: 0 }
      yield { key, added, records: await this.#recordsOf({ key, state }) }
    }
  }

  /** Exact sums over what has been given so far, by name. */
  get controls(): ControlTotals {
    return this.#controls.totals()
  }

  async #recordsOf({ key, state }: Folded): Promise<readonly object[]> {
    const { name, output } = this.#step
    try {
      const given = this.#finishKey(state, key, this.#context)
      const result = readResult(isThenable(given) ? await given : (given ?? []))
      if (result.kind === 'rejected') throw rejected(result.rule)
      if (output !== null) await checkingSink(outputCheck(output.dataset)).write(result.records)
      this.#controls.add(this.#controls.sums(result.records, { at: 0 }))
      return result.records
    } catch (thrown) {
      throw foldFailed(name, 'finish', key, thrown)
    }
  }
}

function rejected(rule: string): BatchwrightError {
  return new BatchwrightError({
    code: 'FOLD_REJECTED',
    message: `expected finish to return records, found reject(${JSON.stringify(rule)})`,
    hint: 'Reject records in the step that is read, or in a records step after this one.',
  })
}
