/**
 * A hint as a sentence: with a capital where it begins with a plain word, and with a full stop where it ends without one. What
 * is code (`retry: ...`, `--slots 2`) keeps its first letter.
 */
export function sentence(text: string): string {
  const begun = /^[a-z]+(?=[ ,:])/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text
  return /[.?!]$/.test(begun) ? begun : `${begun}.`
}
