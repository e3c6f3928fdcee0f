/** Where in the user's own code an error lies, with the lines around it. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { ErrorReport } from '../../kernel/errors.ts'
import type { SourcePlace } from '../../kernel/source-place.ts'
import type { StackFrame } from '../stack.ts'
import { isOwn, packageOf, readStack } from '../stack.ts'
import type { Marked } from './code-frame.ts'
import { codeFrame } from './code-frame.ts'
import type { Paint } from './paint.ts'
import { plural, printable, wrap } from './text.ts'

export interface PlaceStyle {
  readonly paint: Paint
  /** Columns of the terminal; absent where nothing limits them. */
  readonly width?: number
  /** The project's folder: frames of files in it, outside node_modules, are the user's own. */
  readonly projectFolder: string | null
  /** The text of a source file, by its absolute path; null where there is none. Default: as it is on the disk now. */
  readonly source?: (file: string) => string | null
}

/** The user's own line that something was thrown from. */
export interface Thrown {
  readonly frame: StackFrame
  /** `jobs/billing.ts:12:9 in rate`, or the file and line alone. */
  readonly at: string
  /** The whole stack, the innermost frame first. */
  readonly frames: readonly StackFrame[]
  /** Thrown by a builder, of which the user's code called one method: callers say nothing then. */
  readonly isDefinition: boolean
  /** An option that is named wrongly: it stands in the call, not where the call begins. */
  readonly name: string | null
}

/** Where the user's code threw, by the innermost report that has a frame of theirs; null where none has. */
export function thrownAt(report: ErrorReport, projectFolder: string | null): Thrown | null {
  const deeper = report.cause === undefined ? null : thrownAt(report.cause, projectFolder)
  if (deeper !== null || projectFolder === null || report.stack === undefined) return deeper
  const frames = readStack(report.stack)
  const frame = frames.find((each) => isOwn(each, projectFolder))
  if (frame === undefined) return null
  const option = report.details?.['option']
  const isDefinition = typeof report.details?.['place'] === 'string'
  return {
    frame,
    frames,
    isDefinition,
    name: typeof option === 'string' ? option : null,
    at: `${placeOf(frame, projectFolder)}${frame.name === null || isDefinition ? '' : ` in ${frame.name}`}`,
  }
}

function placeOf({ file, line, column }: StackFrame, projectFolder: string): string {
  return printable(`${path.relative(projectFolder, file)}:${line}:${column}`)
}

const MOST_CALLERS = 5

/** The frame of the throwing line, and who called it: the user's own frames, those of libraries folded. */
export function stackLines({ frame, frames, name, isDefinition }: Thrown, style: PlaceStyle): readonly string[] {
  const { paint, projectFolder } = style
  const text = sourceOf(frame.file, style)
  const marked = text === null ? null : (placeOfName(text, frame, name) ?? wholeWord(text, frame))
  const lines =
    text === null || marked === null ? [] : codeFrame(text, marked, { paint, width: style.width ?? Infinity })
  const callers = projectFolder === null || isDefinition ? [] : callersOf(frames, frame, projectFolder)
  return [
    ...(lines.length === 0 ? [] : ['', ...lines, '']),
    ...callers.slice(0, MOST_CALLERS).map((caller) => `  ${paint('from', 'dim')}  ${caller}`),
    ...(callers.length > MOST_CALLERS
      ? [`        ${plural(callers.length - MOST_CALLERS, 'more caller')}: --verbose`]
      : []),
  ]
}

/** The user's frames beside the throwing one, with a count of the library frames between them. Batchwright's are left out. */
function callersOf(frames: readonly StackFrame[], thrower: StackFrame, projectFolder: string): readonly string[] {
  const lines: string[] = []
  let folded: StackFrame[] = []
  const last = frames.findLastIndex((each) => isOwn(each, projectFolder))
  for (const each of frames.slice(0, last + 1)) {
    if (!isOwn(each, projectFolder)) {
      if (packageOf(each) !== null) folded.push(each)
      continue
    }
    if (folded.length > 0) lines.push(foldedLine(folded))
    folded = []
    if (each !== thrower) lines.push(`${placeOf(each, projectFolder)}${each.name === null ? '' : ` in ${each.name}`}`)
  }
  return lines
}

function foldedLine(frames: readonly StackFrame[]): string {
  const packages = [...new Set(frames.map(packageOf))].filter((name) => name !== null)
  return `${plural(frames.length, 'frame')} of ${packages.join(', ')}`
}

/** The places that an error names, each with its line; what is wrong there stands above it where there are several. */
export function placesLines(places: readonly SourcePlace[], style: PlaceStyle): readonly string[] {
  const { paint, width = Infinity, projectFolder } = style
  return places.flatMap((place) => {
    const file = path.resolve(projectFolder ?? '.', place.file)
    const text = sourceOf(file, style)
    const name = projectFolder === null ? place.file : path.relative(projectFolder, file)
    const marked = text === null || place.length > 1 ? place : wholeWord(text, place)
    const frame = text === null ? [] : codeFrame(text, marked, { paint, width })
    const message = place.message === null ? [] : wrap(printable(place.message), Math.max(20, width - 8))
    return [
      `  ${paint('at', 'dim')}    ${printable(`${name}:${place.line}:${place.column}`)}`,
      ...message.map((line) => `        ${line}`),
      ...(frame.length === 0 ? [] : ['', ...frame, '']),
    ]
  })
}

function sourceOf(file: string, { source = readSource }: PlaceStyle): string | null {
  return source(file)
}

/** The file as it is now; null where it cannot be read: an error is shown without its lines then. */
export function readSource(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error) return null
    throw error
  }
}

/** Stacks name the column where a call begins: the name that stands there is marked as a whole. */
function wholeWord(text: string, { line, column }: Pick<Marked, 'line' | 'column'>): Marked {
  const rest = (text.split(/\r?\n/)[line - 1] ?? '').slice(column - 1)
  const [word = ''] = /^[\p{L}\p{N}_$]+/u.exec(rest) ?? []
  return { line, column, length: Math.max(1, word.length) }
}

/** How many lines of a call are looked through for an option. */
const CALL_LINES = 20

/** Where `name:` stands in the call that begins at a place; null where it is not found. */
function placeOfName(
  text: string,
  { line, column }: Pick<Marked, 'line' | 'column'>,
  name: string | null,
): Marked | null {
  if (name === null) return null
  const lines = text.split(/\r?\n/)
  for (let at = line; at <= Math.min(lines.length, line + CALL_LINES); at += 1) {
    const from = at === line ? column - 1 : 0
    const rest = (lines[at - 1] ?? '').slice(from)
    const found = [...rest.matchAll(/[\p{L}\p{N}_$]+(?=['"]?\s*[:,}(])/gu)].find(([word]) => word === name)
    if (found !== undefined) return { line: at, column: from + found.index + 1, length: name.length }
  }
  return null
}
