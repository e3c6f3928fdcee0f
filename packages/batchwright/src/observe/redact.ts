/** Takes secrets out of text (invariant 10). */
export type Redact = (text: string) => string

/** Shorter values would blot out ordinary words; they are no secrets worth the name. */
const SHORTEST_SECRET = 4

/**
 * A function that replaces every secret value by `[secret NAME]`. Values are looked for as they are and as JSON writes them.
 * `secrets`: value by name, as services read them from the environment.
 */
export function redactor(secrets: Readonly<Record<string, string | undefined>>): Redact {
  const replacements: (readonly [string, string])[] = []
  for (const [name, value] of Object.entries(secrets)) {
    if (value === undefined || value.length < SHORTEST_SECRET) continue
    const asJson = JSON.stringify(value).slice(1, -1)
    for (const written of new Set([value, asJson])) replacements.push([written, `[secret ${name}]`])
  }
  // The longest first: a secret may contain another.
  replacements.sort(([left], [right]) => right.length - left.length)
  if (replacements.length === 0) return (text) => text
  return (text) => replacements.reduce((rest, [value, mark]) => rest.replaceAll(value, mark), text)
}
