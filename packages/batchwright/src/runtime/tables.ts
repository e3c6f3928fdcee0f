import { openTableSink, prepareTable, type Databases, type TransactionalSink } from '../data/index.ts'
import { tableWritten, type StepDefinition } from '../job/index.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import type { Checkpoint, PartitionAssignment, PlanAssignment } from '../protocol/index.ts'
import type { Redactor } from '../observe/index.ts'
import type { SlotHost } from './host.ts'
import { readSecret } from './secrets.ts'

/** Connection URLs of tables, out of the slot's secrets: hidden, with the password inside them, wherever the slot speaks. */
export function slotDatabases(
  environment: Readonly<Record<string, string | undefined>>,
  redactor: Redactor,
): Databases {
  return {
    urlOf: async (secret, usedBy) => {
      const url = await readSecret(secret, environment, usedBy)
      redactor.hide(url, secret)
      const password = URL.canParse(url) ? decodeURIComponent(new URL(url).password) : ''
      if (password !== '') redactor.hide(password, secret)
      return url
    },
  }
}

/**
 * Looks at the table that a step writes before anything of the step runs: whether it fits the contract, and whether the step
 * can be made. Throws TABLE_DIFFERS, TABLE_MISSING, TABLE_ROWS_WRITTEN, TABLE_BOOKKEEPING.
 */
export async function prepareStepTable(
  { run, folders }: PlanAssignment,
  step: StepDefinition,
  { databases }: SlotHost,
): Promise<void> {
  const written = tableWritten(step)
  if (written === null) return
  await prepareTable(
    written.dataset,
    { databases, project: folders.project },
    { runId: run.runId, step: step.name, job: run.job, windowKey: run.window?.key ?? '', revision: run.revision },
  )
}

/** Where an attempt begins: the last checkpoint, and the sequence that the next one goes on from. */
export interface Standing {
  readonly checkpoint: Checkpoint | null
  readonly sequence: number
}

/** The table of a step, open, and where the task stands by it. */
export interface OpenTable {
  readonly sink: TransactionalSink
  readonly from: Standing
}

/**
 * Opens the table that a step writes; null where it writes none. Its database says where the task stands: a commit there may
 * be one ahead of what the store was told. `lost`: what the checkpoint needs beside the table is gone, so that the task has to
 * begin again, where it can.
 */
export async function openStepTable(
  assignment: PartitionAssignment,
  step: StepDefinition,
  { databases }: SlotHost,
  from: Standing & { readonly lost?: BatchwrightError },
): Promise<OpenTable | null> {
  const written = tableWritten(step)
  if (written === null) return null
  const { run, ref, folders, artifact, mended } = assignment
  if (mended !== undefined && written.place.mode === 'insert') throw notReplayed(step.name, written.dataset.name)
  const sink = await openTableSink(
    written.dataset,
    { databases, project: folders.project },
    {
      key: {
        runId: run.runId,
        step: step.name,
        taskId: ref.taskId,
        job: run.job,
        windowKey: run.window?.key ?? '',
        revision: run.revision,
        dataset: written.dataset.name,
      },
      fence: ref.fence,
      codeVersion: artifact.codeVersion,
      known: from.checkpoint?.sequence ?? 0,
      lost: from.lost ?? null,
    },
  )
  const { checkpoint } = sink
  return { sink, from: { checkpoint, sequence: Math.max(from.sequence, checkpoint?.sequence ?? 0) } }
}

function notReplayed(step: string, dataset: string): BatchwrightError {
  return new BatchwrightError({
    code: 'TABLE_ROWS_WRITTEN',
    message: `step ${step}: expected dead letters to be replayed into a dataset that can be written again, found ${dataset}, whose rows are inserted: those of the partition would be there twice`,
    hint: "Use mode: 'upsert' or 'replaceWindow' where letters are to be replayed; or mend the records in the source and run again.",
    details: { step, dataset },
  })
}
