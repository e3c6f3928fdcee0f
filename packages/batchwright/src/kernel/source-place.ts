import type { JsonValue } from './errors.ts'

/** A place in a source file, as an error names it in `details.places`. */
export interface SourcePlace {
  /** Absolute, or relative to the project's folder. */
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 units. */
  readonly column: number
  /** Characters from there on that are meant; at least 1. */
  readonly length: number
  /** What is wrong there, where an error names several places; null where its message says it. */
  readonly message: string | null
}

/** Places as `details` of an error hold them. */
export function placesJson(places: readonly SourcePlace[]): JsonValue {
  return places.map(({ file, line, column, length, message }) => ({ file, line, column, length, message }))
}

/** The way back; anything that is no place is passed over. */
export function readPlaces(json: JsonValue | undefined): readonly SourcePlace[] {
  if (!isList(json)) return []
  return json.flatMap((place) => {
    if (typeof place !== 'object' || place === null || isList(place)) return []
    const { file, line, column, length, message }: Readonly<Record<string, JsonValue | undefined>> = { ...place }
    if (typeof file !== 'string' || typeof line !== 'number') return []
    return [
      {
        file,
        line,
        column: typeof column === 'number' ? column : 1,
        length: typeof length === 'number' ? Math.max(1, length) : 1,
        message: typeof message === 'string' ? message : null,
      },
    ]
  })
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value)
}
