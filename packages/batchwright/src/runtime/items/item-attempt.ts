import type { FileWriter, FunctionContext, FunctionStep, Once } from '../../job/index.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import { failPoint } from '../../kernel/failpoint.ts'
import type { BatchAssignment, BatchPort, BatchTask, Refusal, WindowValue } from '../../protocol/index.ts'
import { NO_COUNTERS } from '../../protocol/index.ts'
import type { ContextBase } from '../context.ts'
import type { FleetLine } from '../fleet/line.ts'
import { onceOf } from '../fleet/once.ts'
import { asResult, functionCheckpoint, GiveBack } from '../function-result.ts'
import type { SlotHost } from '../host.ts'
import { Stops } from '../stop.ts'

/** What the attempts of a batch share. */
export interface ItemSurroundings {
  readonly batch: BatchAssignment
  readonly step: FunctionStep
  readonly port: BatchPort
  readonly host: SlotHost
  readonly log: ContextBase['log']
  readonly use: Readonly<Record<string, unknown>>
}

const NO_FILES: Readonly<Record<string, FileWriter>> = {}

/** One attempt of a batch, as its function sees it. What few functions ask for is made when it is asked for. */
export class ItemAttempt implements FunctionContext {
  readonly #task: BatchTask
  readonly #around: ItemSurroundings
  #stops: Stops | null = null
  #turn: ReturnType<FleetLine['begin']> | null = null
  #sequence = 0

  constructor(task: BatchTask, around: ItemSurroundings) {
    this.#task = task
    this.#around = around
  }

  get item(): JsonValue {
    return this.#around.step.each === null ? null : this.#task.partition.payload
  }

  get index(): number {
    return this.#task.partition.index
  }

  get window(): WindowValue | null {
    return this.#around.batch.run.window
  }

  get parameters(): Readonly<Record<string, JsonValue>> {
    return this.#around.batch.run.parameters
  }

  get logicalTime(): string {
    return this.#around.batch.run.logicalTime
  }

  get use(): Readonly<Record<string, unknown>> {
    return this.#around.use
  }

  get files(): Readonly<Record<string, FileWriter>> {
    return NO_FILES
  }

  get progress(): JsonValue {
    return null
  }

  get signal(): AbortSignal {
    return this.stops.hard
  }

  /** Few tasks of a batch have effects outside: the way to the fleet is opened by the first. */
  get once(): Once {
    const { host, batch, port } = this.#around
    this.#turn ??= host.line.begin(port.attempt())
    return onceOf(host.line, batch.run, host.redactor)
  }

  /** A getter, so that `({ log })` takes a function that works by itself. */
  get log(): ContextBase['log'] {
    return this.#around.log
  }

  get save(): FunctionContext['save'] {
    return (progress, fraction) => this.#save(progress, fraction)
  }

  /** Listens for a stop from the first use on. */
  get stops(): Stops {
    this.#stops ??= new Stops(this.#around.port.attempt().signal)
    return this.#stops
  }

  /** It has ended. Answers with what the fleet refused it, where it did. */
  release(): Refusal | null {
    this.#stops?.release()
    return this.#turn?.end() ?? null
  }

  async #save(progress: JsonValue, fraction: number | undefined): Promise<void> {
    const { step, host, batch } = this.#around
    const port = this.#around.port.attempt()
    const saved = asResult(step.name, progress, host.redactor)
    this.#sequence += 1
    await port.checkpoint(
      functionCheckpoint({
        step,
        sequence: this.#sequence,
        progress: saved,
        counters: NO_COUNTERS,
        outputs: {},
        codeVersion: batch.artifact.codeVersion,
      }),
    )
    failPoint('loop.checkpointed')
    if (fraction !== undefined) port.progress({ counters: NO_COUNTERS, fraction })
    if (this.stops.asked()) throw new GiveBack()
  }
}
