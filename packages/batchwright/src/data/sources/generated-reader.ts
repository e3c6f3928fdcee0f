import type { Batch, BatchReader } from '../contract.ts'

/** A reader over a generator of batches; what the generator holds open is closed with it. */
export class GeneratedReader implements BatchReader {
  readonly #batches: AsyncGenerator<Batch, void, undefined>

  constructor(batches: AsyncGenerator<Batch, void, undefined>) {
    this.#batches = batches
  }

  async read(): Promise<Batch | null> {
    const next = await this.#batches.next()
    return next.done === true ? null : next.value
  }

  async close(): Promise<void> {
    await this.#batches.return()
  }
}
