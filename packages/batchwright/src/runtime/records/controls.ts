import { Decimal } from '../../kernel/decimal.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { ControlTotals } from '../../protocol/index.ts'
import { callable } from '../user-function.ts'

type ControlFunction = (record: never) => Decimal | bigint | number

interface Control {
  readonly name: string
  readonly valueOf: (record: object) => unknown
  total: Decimal
}

/** Control totals: exact sums over the output records, by name. */
export class Controls {
  readonly #controls: Control[]

  constructor(definitions: ReadonlyMap<string, ControlFunction>, from: ControlTotals) {
    this.#controls = [...definitions].map(([name, valueOf]) => ({
      name,
      valueOf: callable<[object]>(valueOf),
      total: Decimal.from(from[name] ?? '0'),
    }))
  }

  get none(): boolean {
    return this.#controls.length === 0
  }

  /** What these records add to each control, in order. Throws CONTROL_INVALID, or what the job's function throws, with `at` set. */
  sums(records: readonly object[], failing: { at: number }): readonly Decimal[] {
    return this.#controls.map(({ name, valueOf }) => {
      let sum = Decimal.zero
      for (let index = 0; index < records.length; index += 1) {
        const record = records[index]
        if (record === undefined) continue
        failing.at = index
        sum = sum.plus(exact(name, valueOf(record)))
      }
      return sum
    })
  }

  add(sums: readonly Decimal[]): void {
    for (const [index, control] of this.#controls.entries()) {
      control.total = control.total.plus(sums[index] ?? Decimal.zero)
    }
  }

  totals(): ControlTotals {
    return Object.fromEntries(this.#controls.map(({ name, total }) => [name, total.toString()]))
  }
}

function exact(name: string, value: unknown): Decimal | bigint | number {
  if (typeof value === 'bigint' || Decimal.is(value)) return value
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw new BatchwrightError({
    code: 'CONTROL_INVALID',
    message: `control ${name}: expected a decimal, a bigint or a whole number, found ${String(value)}`,
    hint: 'Control totals are exact: return a decimal field, or Decimal.from(text).',
    details: { control: name },
  })
}
