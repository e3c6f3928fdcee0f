/** What was done about partitions that lagged behind: cut while they ran, or begun a second time beside the first. */
import type { StoreEvent } from '../../store/contract.ts'
import { count, plural } from '../render/text.ts'
import type { RunFacts } from './facts.ts'
import { numbersOf, STRAGGLER_EVENTS, textOf } from './facts.ts'
import { sentence, span } from './sentence.ts'
import type { Sentence } from './sentence.ts'

/** Told one by one while they are few, else counted by step. */
export function stragglers({ stragglers: single, counts }: RunFacts): readonly Sentence[] {
  if (single !== null) return single.map(told)
  return counts
    .filter(({ type }) => STRAGGLER_EVENTS.some((each) => each === type))
    .map(({ type, step, count: times, firstAt }) => {
      const what = SUMMED[type] ?? type
      return sentence(firstAt, type, `In step ${step ?? ''}, ${what} ${plural(times, 'time')}.`, { step, times })
    })
}

const SUMMED: Readonly<Record<string, string>> = {
  'task.split': 'slots were idle and running partitions were cut',
  'split.declined': 'partitions could not be cut',
  'task.copied': 'slow attempts got a copy beside them',
  'copy.won': 'a copy was first',
  'copy.dropped': 'a copy was dropped',
}

function told({ at, type, step, data }: StoreEvent): Sentence {
  const partition = Number(data['partition'] ?? 0)
  const place = `partition ${partition} of step ${step ?? ''}`
  const facts = { step, ...data }
  switch (type) {
    case 'task.split':
      return sentence(at, 'split', split(place, data), facts)
    case 'split.declined': {
      const text = `Slots were idle, but ${place} was not cut: ${textOf(data['reason'])}.`
      return sentence(at, 'not-split', text, facts)
    }
    case 'task.copied':
      return sentence(at, 'copied', copied(place, data), facts)
    case 'copy.won': {
      const text = `The copy of ${place} was first: its output counts, and the first attempt was stopped.`
      return sentence(at, 'copy-won', text, facts)
    }
    default: {
      const text = `The copy of ${place} was dropped: ${dropped(data)}.`
      return sentence(at, 'copy-dropped', text, facts)
    }
  }
}

function split(place: string, data: StoreEvent['data']): string {
  const pieces = numbersOf(data['pieces'])
  const given = typeof data['gives'] === 'number' ? `its last ${plural(data['gives'], 'record')}` : 'its rest'
  const as = pieces.length === 1 ? `partition ${count(pieces[0] ?? 0)}` : `partitions ${pieces.map(count).join(', ')}`
  return `Slots were idle, so ${place} gave away ${given} while it ran, as ${as}.`
}

function copied(place: string, data: StoreEvent['data']): string {
  const { runningMs, expectedMs, leftMs } = data
  const left = typeof leftMs === 'number' ? `it still needed some ${span(leftMs)}` : 'it did not move any more'
  return (
    `The attempt at ${place} had run for ${span(Number(runningMs ?? 0))}, where its siblings took ` +
    `${span(Number(expectedMs ?? 0))} for as much, and ${left}: a copy was made of it, from its last checkpoint on.`
  )
}

function dropped(data: StoreEvent['data']): string {
  const reason = textOf(data['reason'])
  switch (data['outcome']) {
    case 'failed':
      return `it failed with ${reason}`
    case 'crashed':
      return `its worker died (${reason})`
    default:
      return reason
  }
}
