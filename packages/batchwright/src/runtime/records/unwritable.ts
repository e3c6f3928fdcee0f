import type { Batch } from '../../data/index.ts'
import { Rewind } from './outputs.ts'

const NONE: ReadonlyMap<number, unknown> = new Map()

/** Records that an output refused after another had taken them, remembered over the sittings of an attempt. */
export class Unwritable {
  readonly #errors = new Map<string, unknown>()

  /** Those of a batch, by index, with what was thrown. */
  among(batch: Batch): ReadonlyMap<number, unknown> {
    if (this.#errors.size === 0) return NONE
    const known = new Map<number, unknown>()
    for (let index = 0; index < batch.records.length; index += 1) {
      const name = nameOf(batch, index)
      if (this.#errors.has(name)) known.set(index, this.#errors.get(name))
    }
    return known
  }

  /** Remembers what a rewind says, and hands back what was thrown. */
  remember(batch: Batch, thrown: unknown): unknown {
    if (thrown instanceof Rewind) {
      for (const [index, error] of thrown.unwritable) this.#errors.set(nameOf(batch, index), error)
    }
    return thrown
  }
}

function nameOf(batch: Batch, index: number): string {
  return `${batch.digest} ${batch.locate(index).record}`
}
