/** One dead letter, worked through once more with its step's sinks off. */
import { givenBatch, RAW_LIMIT_BYTES, readLetterText } from '../../data/index.ts'
import type { RecordsStep } from '../../job/index.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import { DryRecords } from '../../runtime/index.ts'
import type { DryRecord } from '../../runtime/index.ts'
import { usageError } from '../failure.ts'
import type { FoundLetter } from '../letters.ts'
import { replayTask } from './replay-task.ts'
import type { ReplayedTask } from './replayed-task.ts'
import type { StepBefore } from './steps-before.ts'
import type { Scene } from './scene.ts'

/** What became of the record today, and where it was taken from. */
export interface LetterReplay {
  readonly record: DryRecord
  /** `letter`: its own text; `snapshot`: the run's input, with the records before it. */
  readonly from: 'letter' | 'snapshot'
  readonly notes: readonly string[]
  /** Steps that were worked through again first. */
  readonly before: readonly StepBefore[]
}

/** Codes of an input that cannot be had. */
const WITHOUT_INPUT: ReadonlySet<string> = new Set(['DEBUG_INPUT_GONE', 'DEBUG_NEEDS_SERVICES'])

/**
 * A letter's own text is enough where the step remembers nothing and the text is whole. Else the partition is worked through
 * up to the record; where its input is gone, the text is taken after all, and a note says what it cannot tell.
 */
export async function replayLetter(scene: Scene, replayed: ReplayedTask, found: FoundLetter): Promise<LetterReplay> {
  const { step } = scene
  if (step.kind !== 'records') throw noRecordsStep(found)
  const cut = Buffer.byteLength(found.letter.raw) >= RAW_LIMIT_BYTES
  if (!cut && !DryRecords.remembers(step))
    return { record: await fromText(scene, step, replayed, found), from: 'letter', notes: [], before: [] }
  let needed: string | null = null
  try {
    const { source, record } = found.letter.position
    const choice = { only: { source, record }, key: null, fate: null, limit: 1 }
    const { records, before } = await replayTask(scene, replayed, choice)
    const [only] = records
    if (only !== undefined) return { record: only, from: 'snapshot', notes: [], before }
  } catch (thrown) {
    if (!(thrown instanceof BatchwrightError) || !WITHOUT_INPUT.has(thrown.code) || cut) throw thrown
    needed = thrown.code === 'DEBUG_NEEDS_SERVICES' ? thrown.message : null
  }
  return {
    record: await fromText(scene, step, replayed, found),
    from: 'letter',
    notes: [
      `${needed === null ? 'the input of the run is not there any more' : `${needed} (--services opens it)`}: the record is worked through alone, without what the step remembers of those before it`,
    ],
    before: [],
  }
}

async function fromText(
  { context, scratch, before }: Scene,
  step: RecordsStep,
  { task }: ReplayedTask,
  { letter }: FoundLetter,
): Promise<DryRecord> {
  const { source, windowKey, record: firstRecord, offset } = letter.position
  const dataset = step.input.from === 'dataset' ? step.input.dataset : null
  const read = readLetterText(letter, task.partition?.payload ?? null, dataset)
  const dry = await DryRecords.open({ step, context, scratch })
  try {
    before()
    const [record] = await dry.run(
      givenBatch([read], { source, windowKey, firstRecord, offset, raw: () => letter.raw }),
    )
    if (record !== undefined) return { ...record, letterId: letter.id }
    throw new TypeError('a batch of one record has one record')
  } finally {
    await dry.close()
  }
}

function noRecordsStep({ step, letter }: FoundLetter): Error {
  return usageError({
    code: 'DEBUG_NOT_POSSIBLE',
    message: `dead letter ${letter.id} is of step ${step}, which is no records step in this code`,
    hint: 'leave --code current out: the code of the run knows the step',
    details: { id: letter.id, step },
  })
}
