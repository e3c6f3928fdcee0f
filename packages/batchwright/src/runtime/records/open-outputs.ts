import { openBlockSink, openDatasetSink, type StagedSink } from '../../data/index.ts'
import type { ShuffleDefinition, StepOutputDefinition } from '../../job/index.ts'
import type { SinkState } from '../../protocol/index.ts'
import type { AttemptFolders } from '../folders.ts'
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

/** Opens all outputs of a step at a checkpoint's states; closes those already open where one cannot be opened. */
export async function openOutputs(
  plan: OutputPlan,
  options: {
    readonly folders: AttemptFolders
    readonly codeVersion: string
    readonly states: Readonly<Record<string, SinkState>>
  },
): Promise<OpenOutputs> {
  const buckets = plan.shuffles.map((shuffle) => new Buckets(shuffle))
  const opened: Output[] = []
  try {
    for (const { name, open } of outputsOf(plan, buckets, options)) opened.push({ name, sink: await open() })
  } catch (thrown) {
    await new OutputSet(opened).abort()
    throw thrown
  }
  return { outputs: new OutputSet(opened), buckets }
}

type Opening = { readonly name: string; readonly open: () => Promise<StagedSink> }

/** What is checked most strictly comes first: the first output finds its bad records without a rewind. */
function outputsOf(
  plan: OutputPlan,
  buckets: readonly Buckets[],
  { folders, codeVersion, states }: Parameters<typeof openOutputs>[1],
): readonly Opening[] {
  const openings: Opening[] = []
  const main = plan.output
  if (main !== null) {
    openings.push({
      name: 'main',
      open: () =>
        openDatasetSink(main.dataset, {
          folder: folders.staging(main.dataset),
          name: 'main',
          codeVersion,
          resume: states['main'] ?? null,
          recordsPerPart: main.recordsPerPart,
        }),
    })
  }
  const blocks = (name: string, file: string, count: number, bucketOf: Buckets['bucketOf'] | null): Opening => ({
    name,
    open: () =>
      openBlockSink({
        folder: folders.private,
        name: file,
        codeVersion,
        resume: states[name] ?? null,
        buckets: count,
        bucketOf,
      }),
  })
  if (plan.readInside) openings.push(blocks('inside', 'inside', 1, null))
  for (const [place, shuffle] of plan.shuffles.entries()) {
    const bucketOf = buckets[place]?.bucketOf ?? null
    openings.push(blocks(`shuffle:${shuffle.to}`, `shuffle-${shuffle.to}`, shuffle.buckets, bucketOf))
  }
  return openings
}
