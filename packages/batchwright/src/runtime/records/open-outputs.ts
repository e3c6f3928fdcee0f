import { openBlockSink, openDatasetSink, type StagedSink, type TransactionalSink } from '../../data/index.ts'
import {
  controlName,
  datasetKey,
  insideKey,
  shuffleKey,
  type NamedOutputDefinition,
  type ShuffleDefinition,
  type StepOutputDefinition,
} from '../../job/index.ts'
import type { ControlTotals, SinkState } from '../../protocol/index.ts'
import type { AttemptFolders } from '../folders.ts'
import { Controls } from './controls.ts'
import { NamedOutputs, type NamedOutput } from './named-outputs.ts'
import { Buckets, OutputSet, type Output } from './outputs.ts'

export interface OutputPlan {
  readonly output: StepOutputDefinition | null
  readonly readInside: boolean
  readonly shuffles: readonly ShuffleDefinition[]
}

export interface OpenOutputs {
  readonly outputs: OutputSet
  readonly buckets: readonly Buckets[]
}

interface OpenOptions {
  readonly folders: AttemptFolders
  readonly codeVersion: string
  readonly states: Readonly<Record<string, SinkState>>
  /** The table that the step writes, open; absent where it writes none. Whoever opened it closes it where this fails. */
  readonly table?: TransactionalSink | null
}

/** Opens all outputs for a step's records without a name; closes those already open where one cannot be opened. */
export function openOutputs(plan: OutputPlan, options: OpenOptions): Promise<OpenOutputs> {
  return openOne(null, plan, options)
}

/** Opens the named outputs of a step, at a checkpoint's states and totals. */
export async function openNamed(
  step: {
    readonly name: string
    readonly named: ReadonlyMap<string, NamedOutputDefinition>
    readonly shuffles: readonly ShuffleDefinition[]
  },
  options: OpenOptions & { readonly controls: ControlTotals },
): Promise<NamedOutputs> {
  const opened: NamedOutput[] = []
  try {
    for (const [name, definition] of step.named) {
      const { outputs, buckets } = await openOne(name, { ...definition, shuffles: step.shuffles }, options)
      const controls = new Map([...definition.controls].map(([control, of]) => [controlName(name, control), of]))
      opened.push({ name, outputs, buckets, controls: new Controls(controls, options.controls) })
    }
  } catch (thrown) {
    await new NamedOutputs(step.name, opened).abort()
    throw thrown
  }
  return new NamedOutputs(step.name, opened)
}

async function openOne(name: string | null, plan: OutputPlan, options: OpenOptions): Promise<OpenOutputs> {
  const shuffles = plan.shuffles.filter((shuffle) => shuffle.output === name)
  const buckets = shuffles.map((shuffle) => new Buckets(shuffle))
  const opened: Output[] = []
  try {
    for (const { key, open } of openingsOf(name, { ...plan, shuffles }, buckets, options)) {
      opened.push({ name: key, sink: await open() })
    }
  } catch (thrown) {
    await new OutputSet(opened).abort()
    throw thrown
  }
  return { outputs: new OutputSet(opened), buckets }
}

type Opening = { readonly key: string; readonly open: () => Promise<StagedSink> }

/** What is checked most strictly comes first: the first output finds its bad records without a rewind. */
function openingsOf(
  name: string | null,
  plan: OutputPlan,
  buckets: readonly Buckets[],
  { folders, codeVersion, states, table = null }: OpenOptions,
): readonly Opening[] {
  const openings: Opening[] = []
  const { output } = plan
  const dataset = datasetKey(name)
  if (output?.dataset.location.kind === 'table' && table !== null) {
    openings.push({ key: dataset, open: () => Promise.resolve(table) })
  } else if (output !== null) {
    openings.push({
      key: dataset,
      open: () =>
        openDatasetSink(output.dataset, {
          folder: folders.staging(output.dataset),
          name: fileName(dataset),
          codeVersion,
          resume: states[dataset] ?? null,
          recordsPerPart: output.recordsPerPart,
        }),
    })
  }
  const blocks = (key: string, count: number, bucketOf: Buckets['bucketOf'] | null): Opening => ({
    key,
    open: () =>
      openBlockSink({
        folder: folders.private,
        name: fileName(key),
        codeVersion,
        resume: states[key] ?? null,
        buckets: count,
        bucketOf,
      }),
  })
  if (plan.readInside) openings.push(blocks(insideKey(name), 1, null))
  for (const [place, shuffle] of plan.shuffles.entries()) {
    openings.push(blocks(shuffleKey(shuffle.to), shuffle.buckets, buckets[place]?.bucketOf ?? null))
  }
  return openings
}

/** Files of a task's outputs are named after their keys. */
function fileName(key: string): string {
  return key.replace(':', '-')
}
