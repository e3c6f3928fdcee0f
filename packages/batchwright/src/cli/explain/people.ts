/** Who asked for something, as the audit trail has it, in words. */

/** `cli anna@build-1` is `anna on build-1, by hand`. */
export function inWords(by: string): string {
  const [kind = '', who] = by.split(' ')
  if (kind !== 'cli') return by === '' ? 'somebody' : by
  if (who === undefined) return 'hand'
  const cut = who.lastIndexOf('@')
  return cut < 1 ? `hand (${who})` : `hand (${who.slice(0, cut)} on ${who.slice(cut + 1)})`
}
