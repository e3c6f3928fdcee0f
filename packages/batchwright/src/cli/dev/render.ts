/** A look at a job as text: what went into each step and what came out, what was set aside, what would be published. */
import type { DryDead, DryInput, DryOutput, DryStep } from '../../dry-run/index.ts'
import type { Finding } from '../../trust/index.ts'
import type { Paint } from '../render/paint.ts'
import { table, type Column } from '../render/table.ts'
import { count, plural, printable, shorten } from '../render/text.ts'
import { pairLines } from './pairs.ts'
import { rowLines, type DevStyle } from './rows.ts'

/** Examples are cut to this many characters: a record may be very wide. */
const EXAMPLE_WIDTH = 200

/** `in/2026-03-01.csv: 200 records, the first of each file`. */
export function inputLines(inputs: readonly DryInput[], { paint }: DevStyle): readonly string[] {
  return inputs.flatMap((input) => {
    if (input.error !== null) return []
    const what = input.kind === 'files' ? 'file' : 'version'
    const of = input.found > input.read ? ` of ${count(input.found)}` : ''
    const much = input.whole ? 'all of it' : `the first of ${input.read === 1 ? 'it' : 'each'}`
    const [first = ''] = input.paths
    const named = input.read === 1 && of === '' ? first : `${plural(input.read, what)}${of}`
    const line = `  reads ${printable(input.dataset)}: ${plural(input.records, 'record')} of ${printable(named)}, ${much}`
    const [note] = input.notes
    const more = input.notes.length > 1 ? ` (and ${count(input.notes.length - 1)} more)` : ''
    return [paint(line, 'dim'), ...(note === undefined ? [] : [paint(`    ${printable(note)}${more}`, 'dim')])]
  })
}

/** A step in full. */
export function stepLines(step: DryStep, style: DevStyle): readonly string[] {
  const { paint } = style
  return [
    '',
    stepLine(step, style),
    ...pairLines(step, style),
    ...deadLines(step, style),
    ...step.limits.filter((limit) => !limit.passed).map((limit) => findingLine(limit, paint)),
  ]
}

/** `clean  200 read, 160 written, 40 set aside`. */
export function stepLine(step: DryStep, { paint }: DevStyle): string {
  const name = paint(printable(step.name), 'strong')
  if (step.state === 'skipped') return `${name}  ${paint(`not run: ${printable(step.why ?? '')}`, 'dim')}`
  const failed = step.state === 'failed' ? `  ${paint('failed', 'bad')}` : ''
  const { counters } = step
  if (counters === null || step.kind === 'function') {
    const result = step.result === null ? 'ran' : `returned ${JSON.stringify(step.result)}`
    return `${name}  ${failed === '' ? printable(result) : ''}${failed}`
  }
  const dead = counters.deadByRule + counters.deadByContract + counters.deadByError
  const parts = [
    ...(step.kind === 'sql' ? [] : [`${count(counters.read)} read`]),
    `${count(counters.written)} written`,
    ...(counters.dropped === 0 ? [] : [`${count(counters.dropped)} dropped`]),
    ...(dead === 0 ? [] : [`${count(dead)} set aside`]),
  ]
  return `${name}  ${parts.join(', ')}${failed}`
}

const DEAD_COLUMNS: readonly Column[] = [
  { title: 'set aside by' },
  { title: 'reason' },
  { title: 'records', align: 'right' },
  { title: 'for example', shrinkTo: 16 },
]

function deadLines({ dead }: DryStep, { width, paint }: DevStyle): readonly string[] {
  if (dead.length === 0) return []
  const rows = dead.map(({ cause, reason, count: records, example }) => [
    { rule: 'rule', contract: 'contract', error: 'an error' }[cause],
    { text: reason, tone: cause === 'rule' ? ('warn' as const) : ('bad' as const) },
    count(records),
    shorten(`${example.source} record ${example.record}: ${exampleOf(cause, example)}`, EXAMPLE_WIDTH),
  ])
  return ['', ...table(DEAD_COLUMNS, rows, { width, paint, indent: 2 })]
}

/** Of a rule the record says enough; else what was wrong with it. */
function exampleOf(cause: DryDead['cause'], { message, raw }: DryDead['example']): string {
  return cause === 'rule' ? raw : `${message}  (${raw})`
}

function findingLine(finding: Finding, paint: Paint): string {
  const text = `${finding.name}: expected ${finding.expected}, found ${finding.found}`
  return `  ${paint(printable(text), finding.severity === 'block' ? 'bad' : 'warn')}`
}

/** Rows shown of what would be published. */
const ROWS = 5

/** What would be published, with its checks. */
export function outputLines(output: DryOutput, style: DevStyle): readonly string[] {
  const { paint } = style
  const passed = output.checks.filter((check) => check.passed)
  const judged = [
    ...(passed.length === 0 ? [] : [`${passed.map((check) => check.name).join(', ')}: passed`]),
    ...(output.unjudged.length === 0 ? [] : [`${output.unjudged.join(', ')}: not judged on a sample`]),
  ]
  return [
    '',
    `would publish ${paint(printable(output.dataset), 'strong')}  ${plural(output.records, 'record')} of this sample`,
    ...rowLines(output.rows.slice(0, ROWS), style),
    ...judged.map((line) => paint(`  ${printable(line)}`, 'dim')),
    ...output.checks.filter((check) => !check.passed).map((check) => findingLine(check, paint)),
  ]
}
