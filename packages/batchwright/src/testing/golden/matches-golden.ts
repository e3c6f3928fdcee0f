import { AssertionError } from 'node:assert'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { getCallSites } from 'node:util'
import { BatchwrightError } from '../../kernel/errors.ts'
import { diffRecords } from '../diff.ts'
import type { InMemoryResult } from '../run-in-memory.ts'
import type { StepReport } from '../step/outcome.ts'
import { readGolden, writeGolden } from './golden-text.ts'
import type { GoldenSection } from './golden-text.ts'

/** What can be compared: a run in memory, several records through a step, or records of your own. */
export type GoldenSubject = InMemoryResult | StepReport<object> | readonly object[]

export interface GoldenOptions {
  /** Columns that name a record; rows are sorted and matched by them. Default: the dataset's key in a run in memory, else none. */
  readonly key?: readonly string[]
  /** Environment that is asked for BATCHWRIGHT_UPDATE_GOLDEN and CI; default `process.env`. */
  readonly environment?: Readonly<Record<string, string | undefined>>
}

/** Writes golden files anew instead of comparing with them. */
const UPDATE = 'BATCHWRIGHT_UPDATE_GOLDEN'

/**
 * Compares a result with the text file that holds what was right before: records as JSON lines, decimals exact, sorted by
 * key where there is one. A relative `file` lies beside the test that calls this. With BATCHWRIGHT_UPDATE_GOLDEN=1 the file
 * is written instead, but never in CI. Throws an AssertionError that names rows and columns that differ; GOLDEN_MISSING,
 * GOLDEN_INVALID, GOLDEN_UPDATE_IN_CI, GOLDEN_PLACE_UNKNOWN.
 */
export function matchesGolden(subject: GoldenSubject, file: string | URL, options: GoldenOptions = {}): void {
  const target = placeOf(file)
  const environment = options.environment ?? process.env
  const sections = sectionsOf(subject, options.key ?? null)
  if (isOn(environment[UPDATE])) {
    if (isOn(environment['CI'])) throw updateInCi(target)
    mkdirSync(path.dirname(target), { recursive: true })
    writeFileSync(target, writeGolden(sections))
    return
  }
  if (!existsSync(target)) throw missing(target)
  const found = writeGolden(sections)
  const expected = readFileSync(target, 'utf8')
  if (found === expected) return
  const lines = differences(readGolden(expected, target), readGolden(found, target))
  if (lines.length === 0) return
  throw new AssertionError({
    message: `${shown(target)} does not match:\n  ${lines.join('\n  ')}\nWhere this is right, ${UPDATE}=1 writes the file anew.`,
    actual: found,
    expected,
    operator: 'matchesGolden',
    stackStartFn: matchesGolden,
  })
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0' && value !== 'false'
}

function differences(expected: readonly GoldenSection[], found: readonly GoldenSection[]): readonly string[] {
  const titles = [...new Set([...expected, ...found].map(({ title }) => title))]
  return titles.flatMap((title) => {
    const before = expected.find((section) => section.title === title)
    const after = found.find((section) => section.title === title)
    if (before === undefined)
      return [`${title}: not in the file`, ...diffRecords([], after?.records ?? [], { key: null })]
    if (after === undefined) return [`${title}: is not there any more`]
    const lines = diffRecords(before.records, after.records, { key: after.key })
    return lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `  ${line}`)]
  })
}

function sectionsOf(subject: GoldenSubject, key: readonly string[] | null): readonly GoldenSection[] {
  if (isList(subject)) return [{ title: 'records', key, records: subject }]
  if ('outcomes' in subject) return stepSections(subject, key)
  const datasets = Object.entries(subject.outputs).map(([name, records]): GoldenSection => {
    return { title: name, key: key ?? subject.keys[name] ?? null, records }
  })
  const dead = Object.entries(subject.deadLetters)
    .filter(([, letters]) => letters.length > 0)
    .map(([step, letters]): GoldenSection => {
      const records = letters.map(({ cause, reason, message, position, raw }) => {
        // Where it lies in the test's own input; the folder of the run in memory is another each time.
        return { record: position.record, window: position.windowKey, cause, reason, message, raw }
      })
      return { title: `dead letters of ${step}`, key: null, records }
    })
  return [...datasets, ...dead]
}

function stepSections(
  { records, named, dead }: StepReport<object>,
  key: readonly string[] | null,
): readonly GoldenSection[] {
  return [
    { title: 'written', key, records },
    ...Object.entries(named).map(([name, given]): GoldenSection => ({
      title: `written to ${name}`,
      key,
      records: given,
    })),
    {
      title: 'dead',
      key: null,
      records: dead.map(({ cause, reason, message }) => ({ cause, reason, message })),
    },
  ]
}

function isList(subject: GoldenSubject): subject is readonly object[] {
  return Array.isArray(subject)
}

/** An absolute path; a relative one is seen from the file that called matchesGolden. */
function placeOf(file: string | URL): string {
  if (file instanceof URL) return fileURLToPath(file)
  if (path.isAbsolute(file)) return file
  const caller = callerFile()
  if (caller !== null) return path.resolve(path.dirname(caller), file)
  throw new BatchwrightError({
    code: 'GOLDEN_PLACE_UNKNOWN',
    message: `matchesGolden: it cannot be told which file asks for ${JSON.stringify(file)}, to look beside it`,
    hint: `Write new URL(${JSON.stringify(`./${file}`)}, import.meta.url) instead.`,
    details: { file },
  })
}

/** The nearest file on the stack that is not this one. */
function callerFile(): string | null {
  const files = getCallSites(STACK_DEPTH, { sourceMap: true }).map(({ scriptName }) => fileOf(scriptName))
  const [own] = files
  return files.find((file) => file !== null && file !== own) ?? null
}

const STACK_DEPTH = 10

function fileOf(scriptName: string): string | null {
  if (scriptName.startsWith('file:')) return fileURLToPath(scriptName)
  return path.isAbsolute(scriptName) ? scriptName : null
}

function shown(file: string): string {
  const relative = path.relative(process.cwd(), file)
  return relative.startsWith('..') ? file : relative
}

function missing(file: string): BatchwrightError {
  return new BatchwrightError({
    code: 'GOLDEN_MISSING',
    message: `expected a golden file at ${shown(file)}, found none`,
    hint: `Run the test once with ${UPDATE}=1, and read what it has written before you commit it.`,
    details: { file },
  })
}

function updateInCi(file: string): BatchwrightError {
  return new BatchwrightError({
    code: 'GOLDEN_UPDATE_IN_CI',
    message: `${UPDATE} is set in CI: ${shown(file)} would be right whatever the code does`,
    hint: `Take ${UPDATE} out of the CI's settings; golden files are written on a developer's machine and read before they are committed.`,
    details: { file },
  })
}
