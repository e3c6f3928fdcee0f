import { Session } from 'node:inspector'
import type { JobDefinition, RecordOperation, StepDefinition } from '../../job/index.ts'

/** Asked by the breakpoints, in V8, whether to stop. */
const ASKED = Symbol.for('batchwright.debug.stop')
/** Where the breakpoints find their functions. */
const FUNCTIONS = Symbol.for('batchwright.debug.functions')

type UserFunction = (...given: never) => unknown

/**
 * Stops a debugger at the first line of a job's own functions, when asked to: breakpoints of this thread's own session,
 * which whoever is attached sees as a stop at the user's line. They cost a little at each call: for debugging only.
 */
export class CallStop {
  readonly #session = new Session()
  readonly #known = new Set<UserFunction>()
  #next = false

  constructor() {
    this.#session.connect()
    this.#session.post('Debugger.enable')
    Object.assign(globalThis, { [ASKED]: () => this.#ask() })
  }

  /** Watches the functions of a job; of one step where it is named. */
  watch(job: JobDefinition, step?: string): void {
    const steps = job.steps.filter((each) => step === undefined || each.name === step)
    for (const one of steps.flatMap(functionsOf)) this.#watch(one)
  }

  /** The next call of a watched function stops; those after it do not. */
  next(): void {
    this.#next = true
  }

  close(): void {
    this.#session.disconnect()
  }

  #ask(): boolean {
    const stop = this.#next
    this.#next = false
    return stop
  }

  #watch(one: UserFunction): void {
    if (this.#known.has(one)) return
    this.#known.add(one)
    Object.assign(globalThis, { [FUNCTIONS]: one })
    this.#session.post(
      'Runtime.evaluate',
      { expression: `globalThis[Symbol.for(${JSON.stringify(FUNCTIONS.description)})]` },
      (_, found) => {
        const objectId = found.result.objectId
        // A function without source of its own (a bound one) cannot be stopped at; the others can.
        if (objectId === undefined) return
        this.#session.post('Debugger.setBreakpointOnFunctionCall', {
          objectId,
          condition: `globalThis[Symbol.for(${JSON.stringify(ASKED.description)})]()`,
        })
      },
    )
    Reflect.deleteProperty(globalThis, FUNCTIONS)
  }
}

/** The user's own functions of a step, in the order in which a record meets them. */
function functionsOf(step: StepDefinition): readonly UserFunction[] {
  switch (step.kind) {
    case 'records':
      return step.operations.flatMap(functionOf)
    case 'reduce':
      return [step.fold.initial, step.fold.add, step.fold.finish]
    case 'function':
      return [step.run]
    case 'sql':
      return []
  }
}

function functionOf(operation: RecordOperation): readonly UserFunction[] {
  if (operation.operation === 'process') return [operation.process]
  return operation.by === null ? [] : [operation.by]
}
