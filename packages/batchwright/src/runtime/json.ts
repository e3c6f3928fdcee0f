import type { JsonValue } from '../kernel/errors.ts'

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
