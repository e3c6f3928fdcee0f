import type { DryFate } from '../../runtime/index.ts'
import type { ControlTotals, Counters } from '../../protocol/index.ts'

/** The step gives records: `records` without a name, `named` for its named outputs, `files` for its file outputs. */
export interface Written<Out> {
  readonly outcome: 'written'
  readonly records: readonly Out[]
  readonly named: Readonly<Record<string, readonly object[]>>
  readonly files: readonly WrittenFile[]
}

/** A whole file that a record writes. */
export interface WrittenFile {
  /** The file output, by the name that the step knows it by. */
  readonly output: string
  readonly name: string
  readonly content: Buffer
}

/** The step did not want the record. */
export interface Dropped {
  readonly outcome: 'dropped'
}

/** The record is set aside by one of the job's own rules: `reject('rule')`, or a `distinct` that rejects. */
export interface Rejected<Rule extends string> {
  readonly outcome: 'dead'
  readonly cause: 'rule'
  readonly reason: Rule
  /** The detail that `reject` was given, else the rule's name. */
  readonly message: string
}

/** The record is set aside because it breaks the contract it is read by, or because something was thrown. */
export interface Failed {
  readonly outcome: 'dead'
  readonly cause: 'contract' | 'error'
  /** Contract reason (`blank`, `bad_number`), or error code: `OUTPUT_INVALID` for output that breaks the sink's contract. */
  readonly reason: string
  readonly message: string
  /** What was thrown; null where nothing was. */
  readonly error: unknown
}

export type Dead<Rule extends string = string> = Rejected<Rule> | Failed

/** What becomes of one record. */
export type StepOutcome<Out, Rule extends string = string> = Written<Out> | Dropped | Dead<Rule>

/** What becomes of several records, in order. */
export interface StepReport<Out, Rule extends string = string> {
  /** One for each record; empty for a reduce step. */
  readonly outcomes: readonly StepOutcome<Out, Rule>[]
  /** All records that the step gives, in order; of a reduce step in the order of keys. */
  readonly records: readonly Out[]
  readonly named: Readonly<Record<string, readonly object[]>>
  /** Records that were set aside. */
  readonly dead: readonly Dead<Rule>[]
  /** Of a reduce step: what each key gives. Empty for others. */
  readonly keys: Readonly<Record<string, readonly Out[]>>
  readonly counters: Pick<Counters, 'read' | 'accepted' | 'written' | 'dropped'> & { readonly dead: number }
  /** Exact sums, by name of the control. */
  readonly controls: ControlTotals
}

export function outcomeOf(fate: DryFate): StepOutcome<object> {
  switch (fate.fate) {
    case 'written':
      return {
        outcome: 'written',
        records: fate.records,
        named: fate.named,
        files: fate.files.map(({ output, name, content }) => ({ output, name, content })),
      }
    case 'dropped':
      return { outcome: 'dropped' }
    case 'dead': {
      const { cause, reason, message, error } = fate
      return cause === 'rule'
        ? { outcome: 'dead', cause, reason, message }
        : { outcome: 'dead', cause, reason, message, error }
    }
  }
}

export function reportOf(outcomes: readonly StepOutcome<object>[], controls: ControlTotals): StepReport<object> {
  const records = outcomes.flatMap((each) => (each.outcome === 'written' ? each.records : []))
  const named: Record<string, object[]> = {}
  for (const each of outcomes) {
    if (each.outcome !== 'written') continue
    for (const [name, given] of Object.entries(each.named)) (named[name] ??= []).push(...given)
  }
  const dead = outcomes.filter((each) => each.outcome === 'dead')
  const dropped = outcomes.filter(({ outcome }) => outcome === 'dropped').length
  const given = Object.values(named).reduce((sum, list) => sum + list.length, 0)
  return {
    outcomes,
    records,
    named,
    dead,
    keys: {},
    controls,
    counters: {
      read: outcomes.length,
      accepted: outcomes.length - dropped - dead.length,
      written: records.length + given,
      dropped,
      dead: dead.length,
    },
  }
}
