/** Lines encoded at once. */
const LINES = 32
const FIRST_BYTES = 128 * 1024
/** UTF-8 never needs more bytes for a UTF-16 code unit. */
const BYTES_PER_UNIT = 3

/**
 * Lines on their way to a file, as UTF-8. They are encoded a few at a time: text under construction is a tree of pieces, and
 * one of a thousand lines outlives so many sweeps of the young generation that they cost more than the encoding.
 */
export class LineBuffer {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES)
  #used = 0
  #text = ''
  #waiting = 0

  /** Adds a line; the newline is put behind it. */
  add(line: string): void {
    this.#text += line
    this.#text += '\n'
    this.#waiting += 1
    if (this.#waiting === LINES) this.#encode()
  }

  /** Bytes of all lines so far. */
  get length(): number {
    this.#encode()
    return this.#used
  }

  /** The bytes from `from` to `to`. Valid until the next line is added. */
  slice(from: number, to: number): Uint8Array {
    return this.#bytes.subarray(from, to)
  }

  clear(): void {
    this.#used = 0
    this.#text = ''
    this.#waiting = 0
  }

  #encode(): void {
    const text = this.#text
    const most = this.#used + text.length * BYTES_PER_UNIT
    if (most > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(most, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, this.#used)
      this.#bytes = larger
    }
    this.#used += this.#bytes.write(text, this.#used, 'utf8')
    this.#text = ''
    this.#waiting = 0
  }
}
