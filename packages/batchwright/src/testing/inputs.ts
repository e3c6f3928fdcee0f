import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BatchwrightError } from '../kernel/errors.ts'
import type { CommitPolicy, DatasetDefinition, JobDefinition, StepDefinition, StepInput } from '../job/index.ts'

/** Records as they would stand in a JSON Lines file, or the whole text of a file in the dataset's own format. */
export type InputRows = readonly object[] | string

/** By dataset; for a dataset with windows by window key. A window that is not given is missing. */
export type Inputs = Readonly<Record<string, InputRows | Readonly<Record<string, InputRows>>>>

/** Writes the inputs to the project folder, and answers with the job reading them from there. Throws INPUT_UNKNOWN. */
export async function placeInputs(job: JobDefinition, inputs: Inputs, project: string): Promise<JobDefinition> {
  const placed = new Map<string, DatasetDefinition>()
  for (const [name, given] of Object.entries(inputs)) {
    const dataset = job.datasets.get(name)
    if (dataset === undefined) throw unknownInput(job, name)
    const windows: Readonly<Record<string, InputRows>> =
      typeof given === 'string' || isRows(given) ? { all: given } : given
    const asText = Object.values(windows).some((rows) => typeof rows === 'string')
    for (const [window, rows] of Object.entries(windows)) {
      const file = join(project, inputPath(name, window))
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, isRows(rows) ? rows.map((row) => `${JSON.stringify(row)}\n`).join('') : rows)
    }
    placed.set(name, relocated(dataset, asText, windows))
  }
  return readingFrom(job, placed)
}

function isRows(given: InputRows | Readonly<Record<string, InputRows>>): given is readonly object[] {
  return Array.isArray(given)
}

function inputPath(dataset: string, window: string): string {
  return `inputs/${dataset}/${window}`
}

function relocated(
  dataset: DatasetDefinition,
  asText: boolean,
  windows: Readonly<Record<string, InputRows>>,
): DatasetDefinition {
  return {
    ...dataset,
    format: asText ? dataset.format : { format: 'jsonl', compression: 'none', maxRecordBytes: 16 * 1024 * 1024 },
    location: {
      kind: 'files',
      paths: ({ window }) => [inputPath(dataset.name, window === null || 'all' in windows ? 'all' : window.key)],
    },
  }
}

function readingFrom(job: JobDefinition, placed: ReadonlyMap<string, DatasetDefinition>): JobDefinition {
  const move = (input: StepInput): StepInput =>
    input.from === 'step' ? input : { ...input, dataset: placed.get(input.dataset.name) ?? input.dataset }
  const steps = job.steps.map((declared): StepDefinition => {
    const lookups = [...declared.lookups].map(
      ([name, lookup]) => [name, { ...lookup, dataset: placed.get(lookup.dataset.name) ?? lookup.dataset }] as const,
    )
    const step = { ...declared, lookups: new Map(lookups) }
    if (step.kind === 'records') return { ...step, input: move(step.input) }
    if (step.kind !== 'sql') return step
    return { ...step, tables: new Map([...step.tables].map(([table, input]) => [table, move(input)])) }
  })
  return { ...job, steps, datasets: new Map([...job.datasets, ...placed]) }
}

/** The job with another commit policy in its records steps: small chunks give a small input many commits. */
export function committing(job: JobDefinition, commit: Partial<CommitPolicy>): JobDefinition {
  const steps = job.steps.map((step) =>
    step.kind === 'records' ? { ...step, commit: { ...step.commit, ...commit } } : step,
  )
  return { ...job, steps }
}

function unknownInput(job: JobDefinition, name: string): BatchwrightError {
  return new BatchwrightError({
    code: 'INPUT_UNKNOWN',
    message: `inputs: job '${job.name}' has no dataset '${name}'; it has ${[...job.datasets.keys()].join(', ')}`,
    hint: 'Name the dataset as the job file does.',
  })
}
