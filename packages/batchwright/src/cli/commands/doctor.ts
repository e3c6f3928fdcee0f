/** `doctor`: whether this machine and this project are fit to run jobs, and what to do where they are not. */
import { examine } from '../doctor/examine.ts'
import type { Finding } from '../doctor/finding.ts'
import type { ExitCode } from '../failure.ts'
import { EXIT } from '../failure.ts'
import { toldHint } from '../hint.ts'
import type { Tone } from '../render/paint.ts'
import { plural, printable, wrap } from '../render/text.ts'
import type { Session } from '../session.ts'

/** `batchwright doctor`: `{ ok, fails, warnings, total, items }`. Exit code 1 where something fails. */
export async function doctor(session: Session): Promise<ExitCode> {
  const { terminal } = session
  const findings = await examine(session)
  const fails = findings.filter((finding) => finding.level === 'fail').length
  const warnings = findings.filter((finding) => finding.level === 'warn').length
  terminal.printJson({
    ok: fails === 0,
    fails,
    warnings,
    total: findings.length,
    items: findings.map(({ area, level, code, message, hint }) => ({ area, level, code, message, hint })),
  })
  terminal.print([...findings.flatMap((finding) => findingLines(finding, session)), '', verdict(fails, warnings)])
  return fails === 0 ? EXIT.succeeded : EXIT.failed
}

const SIGNS: Readonly<Record<Finding['level'], readonly [sign: string, tone: Tone]>> = {
  ok: ['ok', 'good'],
  warn: ['warn', 'warn'],
  fail: ['FAIL', 'bad'],
}

const SIGN_WIDTH = 6
const AREA_WIDTH = 15

function findingLines({ area, level, code, message, hint }: Finding, session: Session): readonly string[] {
  const { paint, width } = session.terminal
  const [sign, tone] = SIGNS[level]
  const indent = ' '.repeat(SIGN_WIDTH + AREA_WIDTH)
  const room = Math.max(20, width - indent.length)
  const [first = '', ...more] = wrap(printable(message), room)
  const hints = hint === null ? [] : wrap(printable(toldHint(hint)), Math.max(20, room - 6))
  return [
    `${paint(sign, tone)}${' '.repeat(SIGN_WIDTH - sign.length)}${area.padEnd(AREA_WIDTH)}${first}`,
    ...more.map((line) => indent + line),
    ...hints.map((line, index) => `${indent}${index === 0 ? `${paint('hint', 'dim')}  ` : '      '}${line}`),
    ...(code === null ? [] : [`${indent}${paint('code', 'dim')}  ${code}`]),
  ]
}

function verdict(fails: number, warnings: number): string {
  if (fails === 0 && warnings === 0) return 'all is well'
  const parts = [
    fails === 0 ? 'nothing fails' : `${plural(fails, 'thing')} must be mended`,
    plural(warnings, 'warning'),
  ]
  return parts.join(', ')
}
