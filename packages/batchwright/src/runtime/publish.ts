import { datasetFolder, filesOf, publishIntent, publishTable } from '../data/index.ts'
import { controlsOfOutput, datasetsWritten, type JobDefinition } from '../job/index.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import type { AttemptEnd, Part, PublicationIntent, PublishAssignment, StepOutput } from '../protocol/index.ts'
import { NO_COUNTERS } from '../protocol/index.ts'
import { findStep } from './find-step.ts'
import type { SlotHost } from './host.ts'
import { addControls } from './totals.ts'

/** Replays recorded publication intents to their end: each may have been done before, wholly or in part. */
export async function runPublish(
  assignment: PublishAssignment,
  job: JobDefinition,
  host: SlotHost,
): Promise<AttemptEnd> {
  const published = []
  for (const intent of assignment.intents) published.push(await publishOne(intent, assignment, job, host))
  return {
    kind: 'finished',
    output: { counters: NO_COUNTERS, controls: {}, outputs: {}, deadLetters: [], result: { published } },
  }
}

async function publishOne(
  intent: PublicationIntent,
  { run, folders, artifact, outputs, inputs }: PublishAssignment,
  job: JobDefinition,
  { databases }: SlotHost,
): Promise<{
  readonly dataset: string
  readonly window: string | null
  readonly number: number
  readonly records: number
}> {
  const written = datasetsWritten(findStep(job, intent.step)).find(({ dataset: { name } }) => name === intent.dataset)
  const staged = outputs.find((output) => output.step === intent.step)
  if (written === undefined || staged === undefined) throw outputMissing(intent)
  const { dataset, output, kind, key } = written
  const parts = partsOf(staged, key)
  const ofTable = dataset.location.kind === 'table'
  if (ofTable) {
    const { window, number, step } = intent
    const publication = { window, number, job: run.job, runId: run.runId, step, parts }
    await publishTable(dataset, { databases, project: folders.project }, publication)
  }
  const manifest = await publishIntent({
    folder: datasetFolder(folders.project, dataset),
    intent,
    format: dataset.format.format,
    parts: ofTable ? [] : kind === 'files' ? await filesOf(parts) : parts,
    ...(ofTable ? { records: parts.reduce((sum, part) => sum + part.records, 0) } : {}),
    contractVersion: dataset.contract.version,
    inputs: inputs.map(({ step, snapshot }) => ({ step, digest: snapshot.digest })),
    controls:
      kind === 'files' ? {} : controlsOfOutput(addControls(staged.tasks.map((task) => task.output.controls)), output),
    createdAt: run.logicalTime,
    run: { id: run.runId, job: run.job, revision: run.revision, codeVersion: artifact.codeVersion },
  })
  return {
    dataset: intent.dataset,
    window: intent.window?.key ?? null,
    number: intent.number,
    records: manifest.records,
  }
}

/** In order of task index, then part: the dataset's order. */
function partsOf(output: StepOutput, key: string): readonly Part[] {
  return [...output.tasks].sort((a, b) => a.index - b.index).flatMap((task) => task.output.outputs[key] ?? [])
}

function outputMissing(intent: PublicationIntent): BatchwrightError {
  return new BatchwrightError({
    code: 'OUTPUT_MISSING',
    message: `publication of ${intent.dataset}: expected the output of step ${intent.step}, found none`,
    hint: `Make it anew: \`batchwright retry RUN --from ${intent.step}\`.`,
    details: { dataset: intent.dataset, step: intent.step },
  })
}
