/** Why a run was started, with which code and on which input. */
import type { StoreEvent } from '../../store/contract.ts'
import { bytes, count, plural } from '../render/text.ts'
import type { RunFacts } from './facts.ts'
import { textOf } from './facts.ts'
import { inWords } from './people.ts'
import { listed, sentence, span } from './sentence.ts'
import type { Sentence } from './sentence.ts'

/** A wait for a worker that is worth a sentence, milliseconds. */
const NOTABLE_WAIT_MS = 1_000

export function beginning(facts: RunFacts): readonly Sentence[] {
  return [started(facts), ...adopted(facts), code(facts), ...inputs(facts), ...firstWait(facts)]
}

function started({ run }: RunFacts): Sentence {
  const by = inWords(run.requestedBy)
  const known = { by: run.requestedBy, revision: run.revision, replayOf: run.replay?.ofRunId ?? null }
  if (run.replay !== null) {
    const letters = plural(run.replay.deadLetters.length, 'dead letter')
    const text = `It was started by ${by}, to work through ${letters} of step ${run.replay.step} of run ${run.replay.ofRunId} once more.`
    return sentence(run.createdAt, 'started', text, known)
  }
  const why =
    run.revision > 1
      ? `It was started by ${by} as revision ${run.revision}: the same window and parameters, on a new snapshot.`
      : `It was started by ${by}.`
  return sentence(run.createdAt, 'started', why, known)
}

/** What a replay did not do again. */
function adopted({ events }: RunFacts): readonly Sentence[] {
  return events
    .filter(({ type }) => type === 'step.adopted')
    .map(({ at, step, data }) => {
      const text =
        data['state'] === 'succeeded'
          ? `Step ${step ?? ''} was taken over from run ${textOf(data['of'])}, with its output.`
          : `Of step ${step ?? ''}, ${count(Number(data['again'] ?? 0))} of ${plural(Number(data['partitions'] ?? 0), 'partition')} run again; the others were taken over from run ${textOf(data['of'])}.`
      return sentence(at, 'adopted', text, { step, ...data })
    })
}

/** A run that was taken up with other code tells so there: what it was begun with is not kept. */
function code({ run, events }: RunFacts): Sentence {
  const changed = events.some(({ type, data }) => type === 'run.reopened' && textOf(data['codeVersion']) !== '')
  const pinned = `pinned to the code ${run.codeVersion.slice(0, 12)}`
  const text =
    run.state === 'failed' || run.state === 'cancelled'
      ? `It is ${pinned}; taken up again, it goes on with the job file as it is then.`
      : changed
        ? `It is ${pinned}, with which it was taken up again: changes of the job file since then are not in it.`
        : `It is ${pinned}: changes of the job file since then are not in it.`
  return sentence(null, 'code', text, { codeVersion: run.codeVersion })
}

function inputs({ snapshots }: RunFacts): readonly Sentence[] {
  return snapshots
    .filter(({ snapshot }) => snapshot.files.length > 0)
    .map(({ step, snapshot }) => {
      const { files } = snapshot
      const size = files.reduce((sum, file) => sum + file.bytes, 0)
      const records = files.reduce((sum, file) => sum + file.records, 0)
      const datasets = [...new Set(files.map((file) => file.dataset))]
      const text = `Step ${step} reads a snapshot of ${listed(datasets)}: ${plural(files.length, 'file')}, ${bytes(size)}, ${plural(records, 'record')}, digest ${snapshot.digest.slice(0, 12)}.`
      return sentence(null, 'snapshot', text, {
        step,
        datasets,
        files: files.length,
        bytes: size,
        records,
        digest: snapshot.digest,
      })
    })
}

function firstWait({ run, events }: RunFacts): readonly Sentence[] {
  const first = events.find(({ type }) => type === 'run.running')
  if (first === undefined) return []
  const waited = first.at - run.createdAt
  if (waited < NOTABLE_WAIT_MS) return []
  const why = pausedBetween(events, run.createdAt, first.at) ? 'it was paused' : 'no worker had a slot for it'
  return [
    sentence(first.at, 'waited', `It waited ${span(waited)} before its first task: ${why}.`, { waitedMs: waited }),
  ]
}

/** Whether the run was paused at any time between two moments. */
export function pausedBetween(events: readonly StoreEvent[], from: number, to: number): boolean {
  let since: number | null = null
  for (const { type, at } of events) {
    if (type === 'run.paused') since = at
    if ((type === 'run.resumed' || type === 'run.reopened') && since !== null) {
      if (since < to && at > from) return true
      since = null
    }
  }
  return since !== null && since < to
}
