const LF = 10
/** Four newlines; and a word's bytes without and with only their highest bits. */
const NEWLINES = 0x0a0a0a0a
const LOW_BITS = 0x7f7f7f7f
/** A byte-wide sum holds this many words. */
const WORDS_PER_SUM = 255

/**
 * Counts the newlines of `bytes[from, to)`, where a line starts at `from`, four bytes at a time: twice as fast as looking
 * for one after the other. Answers -1 where two of them stand at most two bytes apart, so that a line between them may be
 * empty (`\n\n`, `\n\r\n`): then they have to be looked at one by one.
 *
 * A byte is a newline where it xor 10 is zero; adding 127 to its low seven bits sets the highest bit of every byte that is
 * not zero (Warren, Hacker's Delight, 6-1). Words are taken little endian, as on every platform of Node.
 */
export function countLines(bytes: Buffer, from: number, to: number): number {
  let lines = 0
  let last = from - 1
  let at = from
  for (; at < to && (bytes.byteOffset + at) % 4 !== 0; at += 1) {
    if (bytes[at] !== LF) continue
    if (at - last <= 2) return -1
    last = at
    lines += 1
  }
  if (to - at >= 4) {
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, (to - at) >>> 2)
    const inWords = countInWords(words, at - last)
    if (inWords === -1) return -1
    lines += inWords
    at += words.length * 4
  }
  for (; at < to; at += 1) {
    if (bytes[at] !== LF) continue
    if (at === from || bytes[at - 1] === LF || at - 1 === from || bytes[at - 2] === LF) return -1
    lines += 1
  }
  return lines
}

/** `distance`: bytes from the last newline before the words to their first byte. */
function countInWords(words: Int32Array, distance: number): number {
  let lines = 0
  let close = 0
  let before = distance === 1 ? 0x80000000 : distance === 2 ? 0x00800000 : 0
  for (let start = 0; start < words.length; start += WORDS_PER_SUM) {
    const stop = Math.min(words.length, start + WORDS_PER_SUM)
    let sums = 0
    for (let index = start; index < stop; index += 1) {
      const word = (words[index] ?? 0) ^ NEWLINES
      // The highest bit of each byte that is a newline.
      const hits = ~(((word & LOW_BITS) + LOW_BITS) | word | LOW_BITS)
      close |= hits & ((hits << 8) | (hits << 16) | (before >>> 24) | (before >>> 16))
      before = hits
      sums += (hits >>> 7) & 0x01010101
    }
    lines += (sums & 255) + ((sums >>> 8) & 255) + ((sums >>> 16) & 255) + (sums >>> 24)
  }
  return close === 0 ? lines : -1
}
