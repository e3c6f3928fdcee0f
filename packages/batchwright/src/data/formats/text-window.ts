/** Bytes decoded at a time. */
const WINDOW_BYTES = 32 * 1024

/**
 * A block's ASCII as text, cut out piece by piece. Decoding many pieces at once is what makes that fast; decoding the whole
 * block at once makes a text so large that the heap keeps it through the next sweep of the young generation, and every block
 * ends in the old one. So a window of the block is decoded, and the next one when a piece lies beyond it.
 */
export class TextWindow {
  #bytes: Buffer = Buffer.alloc(0)
  #length = 0
  #text = ''
  #from = 0
  #to = 0

  /** Takes a block in hand: its bytes up to `length`. */
  take(bytes: Buffer, length: number): void {
    this.#bytes = bytes
    this.#length = length
    this.#text = ''
    this.#from = 0
    this.#to = 0
  }

  /** The bytes from `start` to `end`, none of them above 127. Made for pieces that are asked for in order. */
  slice(start: number, end: number): string {
    if (end > this.#to || start < this.#from) {
      if (end - start > WINDOW_BYTES) return this.#bytes.toString('latin1', start, end)
      this.#decode(start)
    }
    return this.#text.slice(start - this.#from, end - this.#from)
  }

  #decode(from: number): void {
    this.#from = from
    this.#to = Math.min(from + WINDOW_BYTES, this.#length)
    this.#text = this.#bytes.toString('latin1', from, this.#to)
  }
}
