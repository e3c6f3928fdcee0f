/** What was checked, a line each; problems with their place and what to do. */
import { failureLines, inProject } from '../failure.ts'
import { toldHint } from '../hint.ts'
import type { Tone } from '../render/paint.ts'
import { placesLines } from '../render/places.ts'
import { printable, wrap } from '../render/text.ts'
import type { Session } from '../session.ts'
import type { CheckItem } from './items.ts'

const SIGNS: Readonly<Record<CheckItem['level'], readonly [sign: string, tone: Tone]>> = {
  ok: ['ok', 'good'],
  warning: ['warn', 'warn'],
  error: ['FAIL', 'bad'],
}

/** As wide as the longest sign, and the longest subject. */
const SIGN_WIDTH = 6
const ABOUT_WIDTH = 15

export function itemLines(items: readonly CheckItem[], session: Session): readonly string[] {
  const jobs = new Set(items.map((item) => item.job))
  return items.flatMap((item) => itemLine(item, session, jobs.size > 2))
}

function itemLine(item: CheckItem, session: Session, manyJobs: boolean): readonly string[] {
  const { paint, width } = session.terminal
  const [sign, tone] = SIGNS[item.level]
  const job = item.job === null || (!manyJobs && item.about !== 'definition') ? '' : `${item.job}: `
  const indent = SIGN_WIDTH + ABOUT_WIDTH
  const message = inProject(item.message, { projectFolder: session.project.folder, width })
  const [first = '', ...more] = `${job}${message}`
    .split('\n')
    .flatMap((line) => wrap(printable(line.trim()), Math.max(20, width - indent)))
  const head = `${paint(sign, tone)}${' '.repeat(SIGN_WIDTH - sign.length)}${item.about.padEnd(ABOUT_WIDTH)}${first}`
  return [head, ...more.map((line) => `${' '.repeat(indent)}${line}`), ...detailLines(item, session, indent)]
}

function detailLines(item: CheckItem, session: Session, indent: number): readonly string[] {
  if (item.level === 'ok') return []
  const { paint, width } = session.terminal
  const room = width - indent
  const style = { paint, width: room, projectFolder: session.project.folder, verbose: session.terminal.verbose }
  const pad = (line: string): string => (line === '' ? '' : ' '.repeat(indent - 2) + line)
  if (item.level === 'error' && item.report !== null) {
    // The message stands above already.
    return failureLines({ ...item.report, message: '' }, style)
      .slice(1)
      .map(pad)
  }
  const place =
    item.place === null
      ? []
      : item.level === 'error'
        ? placesLines([item.place], style)
        : [`  ${paint('at', 'dim')}    ${printable(`${item.place.file}:${item.place.line}:${item.place.column}`)}`]
  const hint = item.hint === null ? [] : wrap(printable(toldHint(item.hint)), Math.max(20, room - 8))
  return [
    ...place,
    ...hint.map((line, index) => `  ${index === 0 ? `${paint('hint', 'dim')}  ` : '      '}${line}`),
    `  ${paint('code', 'dim')}  ${item.code ?? ''}`,
  ].map(pad)
}
