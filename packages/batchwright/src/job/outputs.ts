/** The outputs of a step, and the keys under which its tasks keep them (`TaskOutput.outputs`, `Checkpoint.outputs`). */
import type { DatasetDefinition, StepDefinition, StepOutputDefinition, TablePlace } from './model.ts'

const DATASET = 'output:'

/** Key of the parts of a dataset; `null` for the records without a name. */
export function datasetKey(output: string | null): string {
  return output === null ? 'main' : `${DATASET}${output}`
}

/** Key of the blocks that records steps of the run read. */
export function insideKey(output: string | null): string {
  return output === null ? 'inside' : `inside:${output}`
}

/** Key of the index of a file output. */
export function filesKey(output: string): string {
  return `files:${output}`
}

/** Key of the blocks cut by key for a reduce step. */
export function shuffleKey(step: string): string {
  return `shuffle:${step}`
}

export function isDatasetKey(key: string): boolean {
  return key === 'main' || key.startsWith(DATASET)
}

/** A dataset that a step writes. */
export interface WrittenDataset {
  readonly dataset: DatasetDefinition
  readonly kind: 'records' | 'files'
  /** Its name in the step; null for the records without a name. */
  readonly output: string | null
  /** Where its parts stand in a task's outputs. */
  readonly key: string
}

type Writing = Pick<StepDefinition, 'output' | 'named' | 'files'>

/** Every dataset that a step writes: the one of `.write()` first. */
export function datasetsWritten({ output, named, files }: Writing): readonly WrittenDataset[] {
  const all = [[null, output] as const, ...[...named].map(([name, { output: own }]) => [name, own] as const)]
  return [
    ...all.flatMap(([name, own]): readonly WrittenDataset[] =>
      own === null ? [] : [{ dataset: own.dataset, kind: 'records', output: name, key: datasetKey(name) }],
    ),
    ...[...files].map(([name, { dataset }]): WrittenDataset => ({
      dataset,
      kind: 'files',
      output: name,
      key: filesKey(name),
    })),
  ]
}

/** A table that a step writes. */
export interface WrittenTable {
  readonly dataset: DatasetDefinition
  readonly place: TablePlace
  /** Its name in the step; null for the records without a name. */
  readonly output: string | null
}

/**
 * The one table that a step writes; null where it writes none. Such a step keeps its position in the table's database, so
 * that it is never run twice at a time: it gets no speculative copy.
 */
export function tableWritten(step: Pick<StepDefinition, 'output' | 'named' | 'files'>): WrittenTable | null {
  for (const { dataset, output } of datasetsWritten(step)) {
    if (dataset.location.kind === 'table') return { dataset, place: dataset.location, output }
  }
  return null
}

/** The dataset that one output of a step goes to; null where it goes to none. */
export function datasetOfOutput(
  step: Pick<StepDefinition, 'output' | 'named'>,
  output: string | null,
): StepOutputDefinition | null {
  return output === null ? step.output : (step.named.get(output)?.output ?? null)
}

/** Control totals of one output of a step, by their own names. */
export function controlsOfOutput(
  controls: Readonly<Record<string, string>>,
  output: string | null,
): Readonly<Record<string, string>> {
  const prefix = output === null ? '' : controlName(output, '')
  const own = Object.entries(controls).filter(([name]) =>
    output === null ? !name.includes('.') : name.startsWith(prefix),
  )
  return Object.fromEntries(own.map(([name, total]) => [name.slice(prefix.length), total]))
}

/** Names have no dot in them: `refunds.amount` is the control `amount` of the output `refunds`. */
export function controlName(output: string | null, control: string): string {
  return output === null ? control : `${output}.${control}`
}

/** Records that a step gave to one of its outputs. */
export function recordsOfOutput(
  counters: { readonly written: number; readonly named?: Readonly<Record<string, number>> },
  output: string | null,
): number {
  const { written, named = {} } = counters
  if (output !== null) return named[output] ?? 0
  return Object.values(named).reduce((rest, records) => rest - records, written)
}

/** Records, or files, that a step gave to a dataset. */
export function countOfDataset(
  counters: Parameters<typeof recordsOfOutput>[0] & { readonly files?: Readonly<Record<string, number>> },
  { kind, output }: Pick<WrittenDataset, 'kind' | 'output'>,
): number {
  return kind === 'files' ? (counters.files?.[output ?? ''] ?? 0) : recordsOfOutput(counters, output)
}
