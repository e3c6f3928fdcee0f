/** An entry of the catalogue of errors, as text that fits the terminal, and as JSON. */
import type { JsonValue } from '../../kernel/errors.ts'
import type { CatalogueEntry } from '../catalogue/index.ts'
import type { TableStyle } from './table.ts'
import { wrap } from './text.ts'

/** Longer lines of prose are hard to read, however wide the terminal is. */
const WIDEST = 100

export function codeLines(
  code: string,
  entry: CatalogueEntry,
  { width, paint }: Pick<TableStyle, 'width' | 'paint'>,
): readonly string[] {
  const columns = Math.min(width, WIDEST)
  const list = (items: readonly string[]): readonly string[] =>
    items.flatMap((item) => wrap(item, columns - 4).map((line, index) => (index === 0 ? `  - ${line}` : `    ${line}`)))
  return [
    ...wrap(`${code}: ${entry.title}`, columns).map((line) => paint(line, 'strong')),
    '',
    ...wrap(entry.meaning, columns),
    '',
    paint('Why it happens', 'dim'),
    ...list(entry.causes),
    '',
    paint('What to do', 'dim'),
    ...list(entry.remedies),
    '',
    paint('For example', 'dim'),
    ...wrap(exampleLine(code, entry), columns - 4).map((line) => `    ${line}`),
    paint('is mended by', 'dim'),
    // Commands and code are never wrapped: they are copied.
    ...entry.example.remedy.split('\n').map((line) => `    ${line}`),
  ]
}

/** The message as it was printed: reasons of dead letters are no errors. */
export function exampleLine(code: string, { example }: CatalogueEntry): string {
  return code === code.toUpperCase() ? `error: ${example.message}` : example.message
}

/** `explain CODE --json`. */
export function codeJson(code: string, entry: CatalogueEntry): JsonValue {
  const { title, meaning, causes, remedies, example } = entry
  return {
    code,
    title,
    meaning,
    causes,
    remedies,
    example: { output: exampleLine(code, entry), remedy: example.remedy },
  }
}
