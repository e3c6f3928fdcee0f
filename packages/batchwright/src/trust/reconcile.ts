import { filesKey, recordsOfOutput } from '../job/index.ts'
import { Decimal } from '../kernel/decimal.ts'
import type { ControlTotals, Counters, StepOutput } from '../protocol/index.ts'
import type { Finding } from './finding.ts'

/** How many records a step had to read, and who says so: `its snapshot`, `step rate`. */
export interface ExpectedRead {
  readonly from: string
  readonly records: number
}

export interface ReconcileRequest {
  readonly step: string
  readonly counters: Counters
  readonly output: StepOutput
  /** Null where nothing says how many there had to be. */
  readonly expectedRead: readonly ExpectedRead[] | null
  /** The named output whose records lie under a key of its tasks' outputs; null for those without a name. Default: null. */
  readonly outputOf?: (key: string) => string | null
}

/**
 * Invariant 1: each record that was to be read is written, dropped or dead, and the files hold as many as the counters say.
 */
export function reconcile(request: ReconcileRequest): readonly Finding[] {
  const { step, counters, output, expectedRead } = request
  const dead = counters.deadByRule + counters.deadByContract + counters.deadByError
  const reasons = sum(Object.values(counters.reasons))
  const findings = [
    finding(
      'read = accepted + dropped + dead',
      `${counters.read} read`,
      `${counters.accepted} accepted + ${counters.dropped} dropped + ${dead} dead = ${counters.accepted + counters.dropped + dead}`,
      counters.read === counters.accepted + counters.dropped + dead,
      step,
    ),
    finding('dead = reasons', `${dead} dead`, `${reasons} by reason`, dead === reasons, step),
    deadLettersFinding(step, dead, output),
    ...outputFindings(request),
  ]
  if (expectedRead === null) return findings
  const expected = sum(expectedRead.map(({ records }) => records))
  const whence = expectedRead.map(({ from, records }) => `${records} of ${from}`).join(' + ') || '0'
  return [finding('read = input', whence, `${counters.read} read`, counters.read === expected, step), ...findings]
}

function deadLettersFinding(step: string, dead: number, output: StepOutput): Finding {
  const found = sum(output.tasks.flatMap(({ output: { deadLetters } }) => deadLetters.map((part) => part.records)))
  return finding('dead letters = dead', `${dead} dead`, `${found} dead letters on disk`, found === dead, step)
}

/** Every output of a step holds each of its records once: the dataset, and what other steps read. */
function outputFindings({ step, counters, output, outputOf = () => null }: ReconcileRequest): readonly Finding[] {
  const names = new Set(output.tasks.flatMap((task) => Object.keys(task.output.outputs)))
  return [...names].toSorted().map((name) => {
    const found = sum(output.tasks.flatMap((task) => (task.output.outputs[name] ?? []).map((part) => part.records)))
    const files = name.startsWith(FILES) ? (counters.files?.[name.slice(FILES.length)] ?? 0) : null
    const written = files ?? recordsOfOutput(counters, outputOf(name))
    return finding(`${name} = written`, `${written} written`, `${found} in its parts`, found === written, step)
  })
}

const FILES = filesKey('')

function finding(name: string, expected: string, found: string, passed: boolean, step: string): Finding {
  return {
    kind: 'reconciliation',
    name,
    severity: 'block',
    passed,
    expected,
    found,
    hint: passed
      ? null
      : `records were lost or counted twice, which no data can cause: run the step again with \`retry --from ${step}\`, and report it`,
    samples: [],
  }
}

/**
 * Control totals that two steps both declare must be equal, to the last digit: what went in came out.
 */
export function compareControls(
  step: string,
  controls: ControlTotals,
  upstream: readonly { readonly step: string; readonly controls: ControlTotals }[],
): readonly Finding[] {
  return upstream.flatMap((other) =>
    Object.keys(controls)
      .filter((name) => other.controls[name] !== undefined)
      .toSorted()
      .map((name) => {
        const expected = Decimal.from(other.controls[name] ?? '0')
        const found = Decimal.from(controls[name] ?? '0')
        const passed = expected.equals(found)
        return {
          kind: 'control',
          name: `${name} of ${step} = ${name} of ${other.step}`,
          severity: 'block',
          passed,
          expected: expected.toString(),
          found: passed ? found.toString() : `${found.toString()} (${difference(found, expected)})`,
          hint: passed
            ? null
            : `Something between ${other.step} and ${step} changes the sum of ${name}: look for records dropped, repeated or rounded there. Mend it, then \`batchwright retry RUN --from ${other.step}\`.`,
          samples: [],
        } satisfies Finding
      }),
  )
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

function difference(found: Decimal, expected: Decimal): string {
  return found.compare(expected) > 0
    ? `${found.minus(expected).toString()} more`
    : `${expected.minus(found).toString()} less`
}
