import type { Batch, BatchReader, CutRefused, CutRequest, PartitionCut } from '../contract.ts'

/** A reader over a generator of batches; what the generator holds open is closed with it. */
export class GeneratedReader implements BatchReader {
  readonly #batches: AsyncGenerator<Batch, void, undefined>
  readonly #cut: (request: CutRequest) => PartitionCut | CutRefused

  /** `cut`: what the generator reads on from shrinks with it, when it is taken. */
  constructor(
    batches: AsyncGenerator<Batch, void, undefined>,
    cut: (request: CutRequest) => PartitionCut | CutRefused,
  ) {
    this.#batches = batches
    this.#cut = cut
  }

  async read(): Promise<Batch | null> {
    const next = await this.#batches.next()
    return next.done === true ? null : next.value
  }

  cut(request: CutRequest): Promise<PartitionCut | CutRefused> {
    return Promise.resolve(this.#cut(request))
  }

  async close(): Promise<void> {
    await this.#batches.return()
  }
}
