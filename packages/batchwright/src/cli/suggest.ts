import { nearest as nearestName } from '../job/index.ts'

/** The name in `known` that was probably meant by `given`: a few letters off, or its beginning; null where none is near. */
export function nearest(given: string, known: readonly string[]): string | null {
  const near = nearestName(given, known)
  if (near !== null) return near
  const starting = known.filter((name) => name.startsWith(given))
  return starting.length === 1 ? (starting[0] ?? null) : null
}

/** `did you mean "billing"?`, or the list of what there is, where it is short enough to read; for hints. */
export function suggestion(given: string, known: readonly string[], listCommand: string): string {
  const near = nearest(given, known)
  if (near !== null) return `did you mean ${JSON.stringify(near)}?`
  if (known.length > 0 && known.length <= 8) return `there are: ${known.join(', ')}`
  return `\`${listCommand}\` lists them`
}
