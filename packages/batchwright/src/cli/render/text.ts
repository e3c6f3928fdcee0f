/** Numbers, times and foreign text as a terminal shows them. */
import { stripVTControlCharacters } from 'node:util'
import { eastAsianWidth } from 'get-east-asian-width'

const GROUPED = new Intl.NumberFormat('en-GB')

/** `1,234,567`. */
export function count(value: number): string {
  return GROUPED.format(value)
}

/** Milliseconds as people say them: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 03 min`. */
export function duration(ms: number): string {
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`
  const minutes = Math.round(seconds / 60)
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`
}

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** `812 B`, `1.2 MB`: powers of 1000. */
export function bytes(value: number): string {
  let scaled = value
  let unit = 0
  while (scaled >= 999.5 && unit < BYTE_UNITS.length - 1) {
    scaled /= 1000
    unit += 1
  }
  const digits = unit === 0 || scaled >= 99.95 ? 0 : 1
  return `${scaled.toFixed(digits)} ${BYTE_UNITS[unit] ?? ''}`
}

/** Records a second: `940/s`, `12.3k/s`, `1.2M/s`. */
export function rate(perSecond: number): string {
  if (perSecond < 999.5) return `${Math.round(perSecond)}/s`
  if (perSecond < 999_500) return `${significant(perSecond / 1000)}k/s`
  return `${significant(perSecond / 1_000_000)}M/s`
}

function significant(value: number): string {
  return value >= 99.95 ? value.toFixed(0) : value.toFixed(1)
}

/** `33.6 %` of a whole; `0 %` of nothing. Never rounds something to 0 %, nor part to 100 %. */
export function percent(part: number, whole: number): string {
  if (part === 0 || whole === 0) return '0 %'
  const share = (100 * part) / whole
  if (share < 0.05) return '<0.1 %'
  if (part < whole && share > 99.95) return '>99.9 %'
  return `${share.toFixed(1)} %`
}

/** Milliseconds since the epoch as ISO 8601 in UTC, to the second: `2011-01-04 10:15:00Z`. */
export function instant(ms: number): string {
  return new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z')
}

/** The same for machines: ISO 8601 with milliseconds, or null. */
export function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}

/** Foreign text on one line: what would move the cursor or turn the writing's direction is shown, not obeyed. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, (character) => {
    const known = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[character]
    if (known !== undefined) return known
    const code = character.charCodeAt(0)
    return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`
  })
}

const NARROW = /^[\u0020-\u007e]*$/
const WITHOUT_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]+$/u
const EMOJI = /^\p{RGI_Emoji}$/v

/** Columns that the text takes on a terminal; colours take none. */
export function displayWidth(text: string): number {
  if (NARROW.test(text)) return text.length
  let width = 0
  for (const character of characters(stripVTControlCharacters(text))) width += widthOf(character)
  return width
}

/** What a reader takes for one character: letters with their accents, families of emoji. */
function* characters(text: string): Generator<string> {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  for (const { segment } of segmenter.segment(text)) yield segment
}

let segmenter: Intl.Segmenter | undefined

function widthOf(character: string): number {
  if (NARROW.test(character)) return 1
  if (WITHOUT_WIDTH.test(character)) return 0
  if (EMOJI.test(character)) return 2
  return eastAsianWidth(character.codePointAt(0) ?? 0)
}

/** The text, or as much of it as fits `width` columns with an ellipsis at its end. Takes plain text, without colours. */
export function shorten(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  if (width <= 1) return width === 1 ? '…' : ''
  return `${fitting(text, width - 1).trimEnd()}…`
}

/** The same with the ellipsis in the middle: for paths, whose end says more than their middle. */
export function shortenMiddle(text: string, width: number): string {
  if (displayWidth(text) <= width || width < 5) return shorten(text, width)
  const end = fitting([...characters(text)].reverse().join(''), Math.ceil((width - 1) / 2))
  const kept = [...characters(end)].reverse().join('')
  return `${fitting(text, width - 1 - displayWidth(kept))}…${kept}`
}

/** As much of the text's beginning as `width` columns hold. */
function fitting(text: string, width: number): string {
  let kept = ''
  let used = 0
  for (const character of characters(text)) {
    used += widthOf(character)
    if (used > width) break
    kept += character
  }
  return kept
}

/** One of two words, by the number: `1 run`, `2 runs`. */
export function plural(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`
}

/**
 * Text in lines of at most `width` columns, cut at blanks. A word that is longer stands on a line of its own, uncut: it may
 * be a path or a command that somebody copies. What stands in `backticks` stays together where it fits a line.
 */
export function wrap(text: string, width: number): readonly string[] {
  if (displayWidth(text) <= width) return [text]
  const lines: string[] = []
  let line = ''
  for (const word of wordsOf(text, width)) {
    if (line === '') line = word
    else if (displayWidth(line) + 1 + displayWidth(word) <= width) line += ` ${word}`
    else {
      lines.push(line)
      line = word
    }
  }
  return line === '' ? lines : [...lines, line]
}

function wordsOf(text: string, width: number): readonly string[] {
  const words = text.match(/[^\s`]*`[^`]*`[^\s`]*|\S+/g) ?? []
  return words.flatMap((word) => (displayWidth(word) <= width ? [word] : word.split(/\s+/)))
}
