import { BatchwrightError, type ErrorParts } from '../kernel/errors.ts'

/** A mistake in a definition. `place` says where: `job "billing", step "rate": .retry()`. */
export function definitionError(
  code: ErrorParts['code'],
  place: string,
  problem: string,
  hint: string,
  details?: ErrorParts['details'],
): BatchwrightError {
  return new BatchwrightError({ code, message: `${place}: ${problem}`, hint, details: { place, ...details } })
}

const NAME = /^[a-z][a-z0-9_-]*$/

/** Names of jobs, steps, datasets, rules and services: they become folders, URLs and labels. */
export function checkName(what: string, name: unknown): string {
  if (typeof name === 'string' && NAME.test(name)) return name
  throw definitionError(
    'NAME_INVALID',
    `${what} name`,
    `expected lower-case letters, digits, - and _, a letter first, found ${show(name)}`,
    typeof name === 'string' && name !== '' ? `Call it ${JSON.stringify(asName(name))}.` : 'Give it a name.',
  )
}

function asName(text: string): string {
  const name = text
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '_')
    .replace(/^[^a-z]+/, '')
  return name === '' ? 'a' : name
}

/** A value as an error message shows it. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value)
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return `the ${typeof value} ${value}`
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return `a list of ${value.length}`
  return typeof value === 'function' ? 'a function' : 'an object'
}

/** Gives a wrapper the text of the function inside it: fingerprints are made of the user's code, not of ours. */
export function asText<Wrapper extends (...given: never[]) => unknown>(
  inside: (...given: never[]) => unknown,
  wrapper: Wrapper,
): Wrapper {
  return Object.defineProperty(wrapper, 'toString', { value: () => String(inside) })
}

/** Refuses options that do not exist: a typing mistake must not turn a limit off. JavaScript users have no other net. */
export function checkOptions(place: string, given: unknown, known: readonly string[]): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw definitionError(
      'OPTIONS_INVALID',
      place,
      `expected an object with options, found ${show(given)}`,
      `${typeof given === 'function' ? 'Options stand before the function: {} where there are none. ' : ''}Options: ${known.join(', ')}.`,
    )
  }
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue
    throw definitionError(
      'UNKNOWN_OPTION',
      place,
      `there is no option ${JSON.stringify(name)}`,
      `${didYouMean(name, known)}Options: ${known.join(', ')}.`,
      { option: name },
    )
  }
}

/** `Did you mean "amount"? ` with a blank after it; empty where nothing is near. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const near = nearest(name, known)
  return near === null ? '' : `Did you mean ${JSON.stringify(near)}? `
}

/** The known name that is nearest to a mistyped one; null where none is near enough. */
export function nearest(name: string, known: Iterable<string>): string | null {
  let best: string | null = null
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Levenshtein's, with swapped neighbours as one edit (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1
      let distance = Math.min((row[j - 1] ?? 0) + 1, (last[j] ?? 0) + 1, (last[j - 1] ?? 0) + change)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, (beforeLast[j - 2] ?? 0) + 1)
      }
      row.push(distance)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}
