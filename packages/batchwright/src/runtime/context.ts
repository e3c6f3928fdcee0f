import type { FileWriter, KeyedState, Once, ProcessContext, RecordPosition } from '../job/index.ts'
import { BatchwrightError, type JsonValue } from '../kernel/errors.ts'
import type { LogLine, RunContext, WindowValue } from '../protocol/index.ts'
import { onceAlone } from './fleet/once.ts'

/** What all calls of user functions in one attempt share. */
export interface ContextBase {
  readonly run: RunContext
  readonly use: Readonly<Record<string, unknown>>
  readonly state: KeyedState
  /** Who writes the files of a record, by its index; absent where the step writes none. */
  readonly files?: { writersOf(index: number): Readonly<Record<string, FileWriter>> }
  readonly signal: AbortSignal
  /** Remembers effects; absent where no fleet does: then they are remembered by themselves. */
  readonly once?: Once
  readonly log: (level: LogLine['level'], message: string, fields?: Readonly<Record<string, JsonValue>>) => void
}

/** Where a record stands, worked out only when a job asks. */
export interface Place {
  locate(index: number): RecordPosition
}

/**
 * The context of a user function. One object serves all records of a chunk in turn: only `index` moves. Calls that overlap
 * get one each.
 */
export class RecordContext implements ProcessContext {
  readonly #base: ContextBase
  readonly #place: Place
  index: number

  constructor(base: ContextBase, place: Place, index: number) {
    this.#base = base
    this.#place = place
    this.index = index
  }

  get window(): WindowValue | null {
    return this.#base.run.window
  }

  get parameters(): Readonly<Record<string, JsonValue>> {
    return this.#base.run.parameters
  }

  get logicalTime(): string {
    return this.#base.run.logicalTime
  }

  get position(): RecordPosition {
    return this.#place.locate(this.index)
  }

  get use(): Readonly<Record<string, unknown>> {
    return this.#base.use
  }

  get files(): Readonly<Record<string, FileWriter>> {
    return this.#base.files?.writersOf(this.index) ?? {}
  }

  get state(): KeyedState {
    return this.#base.state
  }

  get signal(): AbortSignal {
    return this.#base.signal
  }

  get once(): Once {
    return this.#base.once ?? onceOfItsOwn(this.#base)
  }

  /** A getter, so that `({ log })` takes a function that works by itself. */
  get log(): ContextBase['log'] {
    return this.#base.log
  }
}

const ALONE = new WeakMap<ContextBase, Once>()

/** Of a context without a fleet: one memory for all its records. */
function onceOfItsOwn(base: ContextBase): Once {
  let own = ALONE.get(base)
  if (own === undefined) ALONE.set(base, (own = onceAlone()))
  return own
}

/** Keyed state of a step that has none. */
export const NO_STATE: KeyedState = {
  get: () => {
    throw noState()
  },
  set: () => {
    throw noState()
  },
}

function noState(): BatchwrightError {
  return new BatchwrightError({
    code: 'STATE_NOT_HERE',
    message: 'context.state belongs to steps of kind records: this step has none',
    hint: 'Keep what must last in the fold of a reduce step, or in the progress of a function step.',
  })
}
