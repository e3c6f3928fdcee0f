import type { Decimal } from '../../kernel/decimal.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import { didYouMean } from '../../job/index.ts'
import type { ControlTotals, Part, SinkState } from '../../protocol/index.ts'
import type { Chunk, Stream } from './chunk.ts'
import type { Controls } from './controls.ts'
import type { Buckets, OutputSet, Patiently } from './outputs.ts'

/** One named output of a step, open: its dataset, its readers in the run, its control totals. */
export interface NamedOutput {
  readonly name: string
  readonly outputs: OutputSet
  readonly buckets: readonly Buckets[]
  readonly controls: Controls
}

/** Sums for one named output of a chunk, not yet added. */
export type NamedSums = readonly (readonly [NamedOutput, readonly Decimal[]])[]

/**
 * The named outputs of a step. An input record has one fate in all outputs: where one of its records cannot be written, none
 * of them is, whatever outputs they are for.
 */
export class NamedOutputs {
  readonly #step: string
  readonly #byName: ReadonlyMap<string, NamedOutput>

  constructor(step: string, outputs: readonly NamedOutput[]) {
    this.#step = step
    this.#byName = new Map(outputs.map((output) => [output.name, output]))
  }

  get names(): Iterable<string> {
    return this.#byName.keys()
  }

  /**
   * Looks at a chunk before anything of it is written: what its records add to the control totals. Null where records were
   * set aside on the way, because no output can take them or a function failed with them: then the chunk is another.
   */
  examine(chunk: Chunk): NamedSums | null {
    if (this.#refuse(chunk)) return null
    const sums: (readonly [NamedOutput, readonly Decimal[]])[] = []
    for (const [output, { outputs, origins }] of this.#streams(chunk)) {
      const failing = { at: 0 }
      try {
        for (const buckets of output.buckets) buckets.prepare(outputs, failing)
        sums.push([output, output.controls.sums(outputs, failing)])
      } catch (thrown) {
        chunk.failWritten(new Map([[origins[failing.at] ?? chunk.from, thrown]]))
        return null
      }
    }
    return sums
  }

  /** Writes after the step's own records have been written. Throws Rewind where an output refuses a record now. */
  async write(chunk: Chunk, patiently: Patiently): Promise<void> {
    for (const [output, stream] of this.#streams(chunk)) await output.outputs.writeTaken(stream, patiently)
  }

  add(sums: NamedSums): void {
    for (const [output, amounts] of sums) output.controls.add(amounts)
  }

  totals(): ControlTotals {
    return merged([...this.#byName.values()].map(({ controls }) => controls.totals()))
  }

  async commit(): Promise<Readonly<Record<string, SinkState>>> {
    return merged(await this.#each((outputs) => outputs.commit()))
  }

  async finish(): Promise<Readonly<Record<string, readonly Part[]>>> {
    return merged(await this.#each((outputs) => outputs.finish()))
  }

  async abort(): Promise<void> {
    await this.#each((outputs) => outputs.abort())
  }

  /** Sets aside records for outputs that the step does not have, and those that break the contract of their dataset. */
  #refuse(chunk: Chunk): boolean {
    const refused = new Map<number, unknown>()
    for (const [name, { outputs, origins }] of chunk.named ?? []) {
      const output = this.#byName.get(name)
      if (output === undefined) {
        for (const origin of origins) refused.set(origin, this.#unknown(name))
      } else {
        for (const [at, thrown] of output.outputs.refused(outputs)) refused.set(origins[at] ?? chunk.from, thrown)
      }
    }
    if (refused.size === 0) return false
    chunk.failWritten(refused)
    return true
  }

  #each<Value>(act: (outputs: OutputSet) => Promise<Value>): Promise<readonly Value[]> {
    return Promise.all([...this.#byName.values()].map(({ outputs }) => act(outputs)))
  }

  #streams(chunk: Chunk): readonly (readonly [NamedOutput, Stream])[] {
    return [...this.#byName.values()].flatMap((output) => {
      const stream = chunk.named?.get(output.name)
      return stream === undefined ? [] : [[output, stream] as const]
    })
  }

  #unknown(name: string): BatchwrightError {
    const known = [...this.#byName.keys()]
    return new BatchwrightError({
      code: 'OUTPUT_UNKNOWN',
      message: `step ${this.#step}: expected one of its outputs (${known.join(', ') || 'it has none by name'}), found output(${JSON.stringify(name)}, ...)`,
      hint: `${didYouMean(name, known)}Give it a dataset with .outputs({ ${name}: dataset }), or let a step read .output(${JSON.stringify(name)}).`,
      details: { step: this.#step, output: name, known },
    })
  }
}

function merged<Value>(all: readonly Readonly<Record<string, Value>>[]): Readonly<Record<string, Value>> {
  return Object.fromEntries(all.flatMap((each) => Object.entries(each)))
}
