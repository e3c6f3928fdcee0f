import type { Batch } from '../../data/index.ts'
import { outputCheck } from '../../data/index.ts'
import {
  controlName,
  Fault,
  type KeyedState,
  type RecordPosition,
  type RecordsStep,
  type StepOutputDefinition,
} from '../../job/index.ts'
import { reportError } from '../../kernel/errors.ts'
import type { Counters } from '../../protocol/index.ts'
import { NO_COUNTERS } from '../../protocol/index.ts'
import type { ContextBase } from '../context.ts'
import { worthRetrying } from '../retry.ts'
import type { Chunk, SetAside, Stream } from '../records/chunk.ts'
import { Controls } from '../records/controls.ts'
import { NamedOutputs, type NamedSums } from '../records/named-outputs.ts'
import { letterId } from '../records/dead-letters.ts'
import { prepareOperations } from '../records/operations.ts'
import { Buckets, OutputSet } from '../records/outputs.ts'
import { Pipeline, type Patience } from '../records/pipeline.ts'
import { StepState } from '../records/state.ts'
import { Tally, type Cause } from '../records/tally.ts'
import { userStack } from '../records/user-stack.ts'
import { DryFiles, type DryFile } from './dry-files.ts'
import { checkingSink } from './checking-sink.ts'

/** What becomes of a record that went through a step whose sinks are off. */
export type DryFate =
  | {
      readonly fate: 'written'
      readonly records: readonly object[]
      /** Records for named outputs, by name. */
      readonly named: Readonly<Record<string, readonly object[]>>
      /** Whole files for file outputs, in the order in which they were asked for. */
      readonly files: readonly DryFile[]
    }
  | { readonly fate: 'dropped' }
  | {
      readonly fate: 'dead'
      readonly cause: Cause
      /** Rule name, contract reason, or error code: as the dead letter would say. */
      readonly reason: string
      readonly message: string
      /** What was thrown; null for rules and faults. */
      readonly error: unknown
      /** Down to where our code called the job's; null where nothing was thrown. */
      readonly stack: string | null
    }

/** One record and its fate. */
export type DryRecord = DryFate & {
  /** In its batch. */
  readonly index: number
  /** What its dead letter is, or would be, called. */
  readonly letterId: string
  readonly position: RecordPosition
  /** The record as the step's functions got it; null where the source or the contract refused it. */
  readonly record: object | null
  /** As it stood in the source, cut to 64 KiB. */
  readonly raw: string
}

export interface DryRecordsRequest {
  readonly step: RecordsStep
  /** What the step's functions are given, `state` left out: it is the step's own. */
  readonly context: Omit<ContextBase, 'state'>
  /** A folder that is the caller's to remove: `distinct` spills there when it remembers very much. */
  readonly scratch: string
}

/**
 * A records step with its sinks off: each record goes through the operations, and what comes out is held against the
 * contract, the keys and the controls of the step's outputs, as the records loop would; nothing is written. `distinct` and
 * keyed state live from batch to batch. Limits are not judged. What the step's retry policy would try again is tried again
 * at once.
 */
export class DryRecords {
  readonly #state: StepState
  readonly #pipeline: Pipeline
  readonly #outputs: OutputSet
  readonly #buckets: readonly Buckets[]
  readonly #named: NamedOutputs
  readonly #controls: Controls
  readonly #name: string
  readonly #files: DryFiles
  readonly #tally = new Tally(NO_COUNTERS)

  private constructor({ step, context }: DryRecordsRequest, state: StepState) {
    this.#name = step.name
    this.#state = state
    this.#files = new DryFiles(step.files)
    const operations = prepareOperations(step.operations, state.seen, step.files.size === 0 ? null : this.#files)
    const base = { ...context, files: this.#files, state: state.keyed }
    this.#pipeline = new Pipeline(operations, base, new AtOnce(step, this.#tally))
    this.#outputs = checkingOutputs(step.output)
    this.#buckets = bucketsFor(step, null)
    this.#named = namedOutputs(step)
    this.#controls = new Controls(step.controls, {})
  }

  static async open(request: DryRecordsRequest): Promise<DryRecords> {
    return new DryRecords(request, await StepState.open(request.step, request.scratch, null))
  }

  /** Whether a record's fate may depend on those before it. */
  static remembers(step: RecordsStep): boolean {
    return step.operations.some((operation) => operation.operation === 'distinct') || step.stateVersion > 0
  }

  /** The step's keyed state: may be filled before the first record, and looked at after any. */
  get state(): KeyedState {
    return this.#state.keyed
  }

  /** Of all records so far. Bytes are not counted. */
  get counters(): Counters {
    return this.#tally.counters(0)
  }

  /** Exact sums over what would have been written, by name. */
  get controls(): Readonly<Record<string, string>> {
    return { ...this.#controls.totals(), ...this.#named.totals() }
  }

  /** The records of a batch from `from` to `to` (exclusive), each with its fate, in order. */
  async run(batch: Batch, from = 0, to = batch.records.length): Promise<readonly DryRecord[]> {
    this.#state.enter(batch.digest)
    const chunk = await this.#pipeline.run(batch, from, to, NONE)
    let sums = this.#examine(chunk)
    const before = chunk.setAside.length
    await this.#outputs.write(chunk, async (write) => write())
    if (chunk.setAside.length !== before) sums = this.#examine(chunk)
    this.#count(chunk)
    this.#controls.add(sums.own)
    this.#named.add(sums.named)
    return fatesOf(chunk, this.#name, this.#files)
  }

  async close(): Promise<void> {
    await this.#state.close()
  }

  /** What user functions say of the outputs, before they are held against the contract: as the records loop does. */
  #examine(chunk: Chunk): Sums {
    for (;;) {
      const own = this.#examineOwn(chunk)
      const named = this.#named.examine(chunk)
      // Null: records were set aside, and with them what their input records gave without a name.
      if (named !== null) return { own, named }
    }
  }

  #examineOwn(chunk: Chunk): Sums['own'] {
    for (;;) {
      const failing = { at: 0 }
      try {
        for (const buckets of this.#buckets) buckets.prepare(chunk.outputs, failing)
        return this.#controls.sums(chunk.outputs, failing)
      } catch (thrown) {
        chunk.failWritten(new Map([[chunk.origins[failing.at] ?? chunk.from, thrown]]))
      }
    }
  }

  #count(chunk: Chunk): void {
    this.#tally.read += chunk.read
    this.#tally.accepted += chunk.accepted
    this.#tally.written += chunk.outputs.length
    for (const [name, { outputs }] of chunk.named ?? []) this.#tally.give(name, outputs.length)
    this.#tally.dropped += chunk.dropped
    for (const aside of chunk.setAside) this.#tally.setAside(aside.cause, aside.reason)
  }
}

/** What a chunk adds to the control totals. */
interface Sums {
  readonly own: ReturnType<Controls['sums']>
  readonly named: NamedSums
}

function checkingOutputs(output: StepOutputDefinition | null): OutputSet {
  return new OutputSet(output === null ? [] : [{ name: 'main', sink: checkingSink(outputCheck(output.dataset)) }])
}

function bucketsFor({ shuffles }: RecordsStep, name: string | null): readonly Buckets[] {
  return shuffles.filter(({ output }) => output === name).map((shuffle) => new Buckets(shuffle))
}

function namedOutputs(step: RecordsStep): NamedOutputs {
  const outputs = [...step.named].map(([name, { output, controls }]) => ({
    name,
    outputs: checkingOutputs(output),
    buckets: bucketsFor(step, name),
    controls: new Controls(new Map([...controls].map(([control, of]) => [controlName(name, control), of])), {}),
  }))
  return new NamedOutputs(step.name, outputs)
}

const NONE: ReadonlyMap<number, unknown> = new Map()

/** Tries a failed record again as often as the step's policy says, without its delays. */
class AtOnce implements Patience {
  readonly #step: RecordsStep
  readonly #tally: Tally

  constructor(step: RecordsStep, tally: Tally) {
    this.#step = step
    this.#tally = tally
  }

  worth(thrown: unknown): boolean {
    return this.#step.retry.attempts > 1 && worthRetrying(this.#step.retry, thrown)
  }

  async retry(thrown: unknown, again: () => unknown): Promise<unknown> {
    let last = thrown
    for (let failed = 1; failed < this.#step.retry.attempts && this.worth(last); failed += 1) {
      this.#tally.retries += 1
      try {
        return await again()
      } catch (error) {
        last = error
      }
    }
    throw last
  }

  settle(work: PromiseLike<unknown>): Promise<unknown> {
    return Promise.resolve(work)
  }
}

function fatesOf(chunk: Chunk, step: string, files: DryFiles): readonly DryRecord[] {
  const own = byOrigin(chunk)
  const named = [...(chunk.named ?? [])].map(([name, stream]) => [name, byOrigin(stream)] as const)
  const aside = new Map(chunk.setAside.map((each) => [each.index, each]))
  return Array.from({ length: chunk.read }, (_, offset): DryRecord => {
    const index = chunk.from + offset
    const source = chunk.batch.records[index]
    const position = chunk.batch.locate(index)
    const common = {
      index,
      position,
      letterId: letterId(chunk.batch, position, step),
      record: source === undefined || source instanceof Fault ? null : source,
      raw: chunk.batch.raw(index),
    }
    const written = files.take(index)
    const dead = aside.get(index)
    if (dead !== undefined) return { ...common, ...deadFate(dead) }
    const given = named.flatMap(([name, streams]): readonly (readonly [string, readonly object[]])[] => {
      const records = streams.get(index)
      return records === undefined ? [] : [[name, records]]
    })
    const records = own.get(index) ?? []
    if (records.length === 0 && given.length === 0) return { ...common, fate: 'dropped' }
    return { ...common, fate: 'written', records, named: Object.fromEntries(given), files: written }
  })
}

function byOrigin({ outputs, origins }: Stream): ReadonlyMap<number, readonly object[]> {
  const found = new Map<number, object[]>()
  for (const [place, output] of outputs.entries()) {
    const origin = origins[place] ?? -1
    const list = found.get(origin)
    if (list === undefined) found.set(origin, [output])
    else list.push(output)
  }
  return found
}

function deadFate({ cause, reason, message, error }: SetAside): DryFate {
  const stack = error === null ? null : (reportError(error).stack ?? null)
  return { fate: 'dead', cause, reason, message, error, stack: stack === null ? null : userStack(stack) }
}
