/** The name in `known` that was probably meant by `given`; null where none is near. */
export function nearest(given: string, known: readonly string[]): string | null {
  let best: string | null = null
  let bestDistance = Math.max(1, Math.floor(given.length / 3)) + 1
  for (const name of known) {
    const distance = editDistance(given.toLowerCase(), name.toLowerCase())
    if (distance < bestDistance) {
      best = name
      bestDistance = distance
    }
  }
  if (best !== null) return best
  const starting = known.filter((name) => name.startsWith(given))
  return starting.length === 1 ? (starting[0] ?? null) : null
}

/** Insertions, deletions, replacements and swaps of neighbours that make one of the other (optimal string alignment). */
function editDistance(left: string, right: string): number {
  let beforePrevious: number[] = []
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column)
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1]
      let cost = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (same ? 0 : 1),
      )
      const swapped =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]
      if (swapped) cost = Math.min(cost, (beforePrevious[column - 2] ?? 0) + 1)
      current.push(cost)
    }
    beforePrevious = previous
    previous = current
  }
  return previous[right.length] ?? 0
}

/** `did you mean "billing"?`, or the list of what there is, where it is short enough to read; for hints. */
export function suggestion(given: string, known: readonly string[], listCommand: string): string {
  const near = nearest(given, known)
  if (near !== null) return `did you mean ${JSON.stringify(near)}?`
  if (known.length > 0 && known.length <= 8) return `there are: ${known.join(', ')}`
  return `\`${listCommand}\` lists them`
}
