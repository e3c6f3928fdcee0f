/** A story in lines that fit the terminal: chapters, sentences with their times, commands to try at the end. */
import type { JsonValue } from '../../kernel/errors.ts'
import type { Chapter, Sentence, Story } from '../explain/sentence.ts'
import type { TableStyle } from './table.ts'
import { instant, isoOrNull, printable, wrap } from './text.ts'

/** Longer lines of prose are hard to read, however wide the terminal is. */
const WIDEST = 100
/** Narrower terminals have the time on a line of its own. */
const NARROW = 60

export function storyLines({ title, chapters }: Story, style: TableStyle): readonly string[] {
  const columns = Math.min(style.width, WIDEST)
  return [
    ...wrap(printable(title), columns).map((line) => style.paint(line, 'strong')),
    ...chapters.flatMap((chapter) => ['', style.paint(chapter.title, 'dim'), ...chapterLines(chapter, columns, style)]),
  ]
}

const TIME_WIDTH = 'hh:mm:ss'.length

function chapterLines({ sentences }: Chapter, columns: number, style: TableStyle): readonly string[] {
  const timed = sentences.some(({ at }) => at !== null)
  let day = ''
  return sentences.flatMap((each) => {
    if (each.kind === 'next') return [`  ${style.paint(each.text, 'active')}`]
    const lines: string[] = []
    const at = each.at === null ? null : instant(each.at)
    const date = at?.slice(0, 10) ?? day
    if (date !== day) lines.push(`  ${style.paint(date, 'dim')}`)
    day = date
    return [...lines, ...sentenceLines(each, at?.slice(11, 19) ?? '', { timed, columns, style })]
  })
}

interface Layout {
  readonly timed: boolean
  readonly columns: number
  readonly style: TableStyle
}

function sentenceLines({ text, kind }: Sentence, time: string, { timed, columns, style }: Layout): readonly string[] {
  const tone = BAD.has(kind) ? 'bad' : WARN.has(kind) ? 'warn' : GOOD.has(kind) ? 'good' : 'plain'
  const beside = timed && columns >= NARROW
  const indent = beside ? 2 + TIME_WIDTH + 2 : 2
  const lines = wrap(printable(text), columns - indent)
  const own = timed && !beside && time !== '' ? [`  ${style.paint(time, 'dim')}`] : []
  return [
    ...own,
    ...lines.map((line, index) => {
      const lead = beside ? `  ${style.paint((index === 0 ? time : '').padEnd(TIME_WIDTH), 'dim')}  ` : '  '
      return `${lead}${style.paint(line, tone)}`.trimEnd()
    }),
  ]
}

const BAD: ReadonlySet<string> = new Set(['failed', 'blocked'])
const WARN: ReadonlySet<string> = new Set(['worker-died', 'retried', 'lease-lost', 'warned', 'cancelled'])
const GOOD: ReadonlySet<string> = new Set(['published', 'succeeded'])

/** `explain RUN --json`: `{ title, sentences: [{ chapter, at, kind, text, facts }] }`. */
export function storyJson({ title, chapters }: Story, about: Readonly<Record<string, JsonValue>>): JsonValue {
  return {
    ...about,
    title,
    sentences: chapters.flatMap((chapter) =>
      chapter.sentences.map(({ at, kind, text, facts }) => ({
        chapter: chapter.title,
        at: isoOrNull(at),
        kind,
        text,
        facts,
      })),
    ),
  }
}
