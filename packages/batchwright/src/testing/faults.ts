import { BatchwrightError } from '../kernel/errors.ts'
import type { Executor, Slot, SlotCallbacks } from '../executors/index.ts'
import type { JobDefinition, RecordOperation } from '../job/index.ts'
import type { Checkpoint } from '../protocol/index.ts'
import type { Store } from '../store/index.ts'

/** What may go wrong in a run in memory. Counts are from 1. */
export type Fault =
  /** `process` throws at the record with this number in its source, `times` times (default 1: the retry succeeds). */
  | {
      readonly fault: 'throw'
      readonly step: string
      readonly record: number
      readonly times?: number
      readonly error?: Error
    }
  /** The attempt dies at the step's n-th commit: before the store has recorded it, or after (default). */
  | { readonly fault: 'kill'; readonly step: string; readonly commit: number; readonly when?: 'before' | 'after' }
  /** The n-th call of a verb fails with a passing error: before the store has done it, or after, its answer lost. */
  | {
      readonly fault: 'store'
      readonly verb: 'checkpoint' | 'finish'
      readonly call: number
      readonly when?: 'before' | 'after'
    }

/** The job with `process` functions that throw where a fault says so. */
export function withThrows(job: JobDefinition, faults: readonly Fault[]): JobDefinition {
  let steps = job.steps
  for (const fault of faults) {
    if (fault.fault !== 'throw') continue
    let left = fault.times ?? 1
    const strikes = (record: number): boolean => {
      if (record !== fault.record || left === 0) return false
      left -= 1
      return true
    }
    const error =
      fault.error ?? new BatchwrightError({ code: 'FAULT_INJECTED', message: 'a fault of the test', retryable: true })
    steps = steps.map((step) => {
      if (step.name !== fault.step || step.kind !== 'records') return step
      return { ...step, operations: step.operations.map((operation) => throwing(operation, strikes, error)) }
    })
  }
  return { ...job, steps }
}

function throwing(operation: RecordOperation, strikes: (record: number) => boolean, error: Error): RecordOperation {
  if (operation.operation !== 'process') return operation
  return {
    ...operation,
    process: (record, context) => {
      if (strikes(context.position.record)) throw error
      return operation.process(record, context)
    },
  }
}

/** Counts the commits of each step, and kills attempts at those that a fault names. */
export class FaultyExecutor implements Executor {
  readonly name: Executor['name']
  readonly commits = new Map<string, number>()
  readonly #inner: Executor
  readonly #kills: readonly Extract<Fault, { fault: 'kill' }>[]

  constructor(inner: Executor, faults: readonly Fault[]) {
    this.name = inner.name
    this.#inner = inner
    this.#kills = faults.filter((fault) => fault.fault === 'kill')
  }

  async openSlot(): Promise<Slot> {
    const slot = await this.#inner.openSlot()
    return {
      run: (assignment, callbacks) => slot.run(assignment, this.#watch(assignment.step, slot, callbacks)),
      stop: (reason) => {
        slot.stop(reason)
      },
      close: () => slot.close(),
      terminate: (reason) => slot.terminate(reason),
      get alive() {
        return slot.alive
      },
    }
  }

  #watch(step: string, slot: Slot, callbacks: SlotCallbacks): SlotCallbacks {
    return {
      ...callbacks,
      checkpoint: async (checkpoint: Checkpoint) => {
        const commit = (this.commits.get(step) ?? 0) + 1
        this.commits.set(step, commit)
        const kill = this.#kills.find((fault) => fault.step === step && fault.commit === commit)
        if (kill?.when === 'before') await die(slot)
        await callbacks.checkpoint(checkpoint)
        if (kill !== undefined) await die(slot)
      },
    }
  }
}

/** What runs on behind a dead slot learns that it lost its task, so that it closes its files. */
async function die(slot: Slot): Promise<never> {
  await slot.terminate('a fault of the test')
  throw new BatchwrightError({ code: 'FENCED', message: 'the attempt was killed by a fault of the test' })
}

/** The store, with verbs that fail where a fault says so. */
export function withStoreFaults(store: Store, faults: readonly Fault[]): Store {
  const calls = new Map<string, number>()
  const around = async <Outcome>(
    verb: 'checkpoint' | 'finish',
    call: () => Promise<readonly Outcome[]>,
  ): Promise<readonly Outcome[]> => {
    const count = (calls.get(verb) ?? 0) + 1
    calls.set(verb, count)
    const fault = faults.find((one) => one.fault === 'store' && one.verb === verb && one.call === count)
    if (fault?.fault !== 'store') return call()
    if (fault.when !== 'after') throw injected(verb)
    await call()
    throw injected(verb)
  }
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'checkpoint') {
        return (items: Parameters<Store['checkpoint']>[0]) => around(name, () => target.checkpoint(items))
      }
      if (name === 'finish') {
        return (items: Parameters<Store['finish']>[0]) => around(name, () => target.finish(items))
      }
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

function injected(verb: string): BatchwrightError {
  return new BatchwrightError({ code: 'FAULT_INJECTED', message: `a fault of the test at ${verb}`, retryable: true })
}
