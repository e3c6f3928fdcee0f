const NEWLINE = 0x0a
const QUOTE = 0x22

/**
 * The beginning of a text of records: its first `limit` records, the CSV header (which is always there) not counted. Pieces
 * may be cut anywhere. A line end inside quotes ends no CSV record; JSON Lines has none inside records.
 */
export async function* firstRecords(
  pieces: AsyncIterable<Uint8Array>,
  format: 'csv' | 'jsonl',
  limit: number | undefined,
): AsyncGenerator<Uint8Array> {
  if (limit === undefined) {
    yield* pieces
    return
  }
  let left = format === 'csv' ? limit + 1 : limit
  let quoted = false
  for await (const piece of pieces) {
    for (let index = 0; index < piece.length; index += 1) {
      const byte = piece[index]
      if (format === 'csv' && byte === QUOTE) quoted = !quoted
      if (byte !== NEWLINE || quoted) continue
      left -= 1
      if (left > 0) continue
      yield piece.subarray(0, index + 1)
      return
    }
    yield piece
  }
}
