import { BatchwrightError, type JsonValue } from '../kernel/errors.ts'

/** JSON that this room wrote itself and whose digest has been checked: its shape is known to the caller. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller names what it wrote
export function readOwnJson<Shape>(text: string): Shape {
  // The one place where text from a file is taken to be what was written there.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
  return JSON.parse(text) as Shape
}

export function isJsonObject(value: JsonValue): value is { readonly [key: string]: JsonValue } {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

/** What user code gives, as JSON; nothing is null. `place` names who gave it. Throws RESULT_INVALID for what JSON cannot say. */
export function plainJson(place: string, value: unknown): JsonValue {
  try {
    const text = JSON.stringify(value) as string | undefined
    return text === undefined ? null : readOwnJson<JsonValue>(text)
  } catch (cause) {
    throw new BatchwrightError({
      code: 'RESULT_INVALID',
      message: `${place}: expected plain JSON to be returned or saved: ${cause instanceof Error ? cause.message : String(cause)}`,
      hint: 'Return small plain values; large ones belong in a dataset.',
      details: { place },
      cause,
    })
  }
}
