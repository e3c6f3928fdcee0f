import { BatchwrightError } from '../../kernel/errors.ts'
import { keyText } from '../diff.ts'
import { valueText } from '../plain.ts'

/** One list of records in a golden file. */
export interface GoldenSection {
  /** `good_orders`, `dead letters of clean`. */
  readonly title: string
  /** Columns that name a record: records are sorted and matched by them. Null: they keep their order. */
  readonly key: readonly string[] | null
  readonly records: readonly object[]
}

const HEADING = /^## (.+?)(?: \(by (.+)\))?$/

/**
 * Sections as text: a heading each, then one record a line as JSON, with exact decimals. Sorted by key where there is one, so
 * that a file changes only where records do.
 */
export function writeGolden(sections: readonly GoldenSection[]): string {
  return sections
    .map(({ title, key, records }) => {
      const heading = `## ${title}${key === null ? '' : ` (by ${key.join(', ')})`}`
      return [heading, ...sorted(records, key).map(valueText)].join('\n')
    })
    .join('\n\n')
    .concat('\n')
}

function sorted(records: readonly object[], key: readonly string[] | null): readonly object[] {
  if (key === null) return records
  const named = records.map((record) => [keyText(record, key), record] as const)
  return named.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, record]) => record)
}

/** Reads a golden file back, records as their JSON. Throws GOLDEN_INVALID with the line. */
export function readGolden(text: string, file: string): readonly GoldenSection[] {
  const sections: { title: string; key: readonly string[] | null; records: object[] }[] = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue
    const [, title, key] = HEADING.exec(line) ?? []
    if (title !== undefined) {
      sections.push({ title, key: key?.split(', ') ?? null, records: [] })
      continue
    }
    const section = sections.at(-1)
    const record = recordOf(line)
    if (section === undefined || record === null) throw invalid(file, index + 1, line)
    section.records.push(record)
  }
  return sections
}

function recordOf(line: string): object | null {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? value : null
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return null
    throw thrown
  }
}

function invalid(file: string, line: number, found: string): BatchwrightError {
  return new BatchwrightError({
    code: 'GOLDEN_INVALID',
    message: `${file}:${String(line)}: expected a heading (## ...) or a record as JSON, found ${JSON.stringify(found.slice(0, 100))}`,
    hint: 'Mend the line, or write the file anew: BATCHWRIGHT_UPDATE_GOLDEN=1.',
    details: { file, line },
  })
}
