/** What happened while a run was worked on: pauses, waits, retries, lost leases. */
import type { AttemptRow, StoreEvent } from '../../store/contract.ts'
import { count, plural } from '../render/text.ts'
import { pausedBetween } from './beginning.ts'
import type { LostLease, RunFacts } from './facts.ts'
import { numbersOf, textOf } from './facts.ts'
import { inWords } from './people.ts'
import { clause, listed, sentence, span } from './sentence.ts'
import type { Sentence } from './sentence.ts'
import { stragglers } from './stragglers.ts'

/** Shorter times without work are the engine's own turning, or what lies between a death and the last sign of life before it. */
const NOTABLE_IDLE_MS = 3_000
/** Lost leases told one by one. */
const LOST_TOLD = 8

/** In order of time. */
export function course(facts: RunFacts): readonly Sentence[] {
  return [
    ...facts.events.flatMap((event) => people(event)),
    ...earlierFailures(facts),
    ...idle(facts),
    ...retries(facts),
    ...lostLeases(facts),
    ...stragglers(facts),
  ].toSorted((left, right) => (left.at ?? 0) - (right.at ?? 0))
}

/** What people did to the run. */
function people(event: StoreEvent): readonly Sentence[] {
  const { at, type, data, step } = event
  const by = inWords(textOf(data['by']))
  switch (type) {
    case 'run.paused':
      return [sentence(at, 'paused', `It was paused by ${by}: no more tasks were handed out.`, { ...data })]
    case 'run.resumed':
      return [sentence(at, 'resumed', `It was resumed by ${by}.`, { ...data })]
    case 'run.reopened':
      return [sentence(at, 'reopened', reopened(event, by), { ...data })]
    case 'task.restarted':
      return [
        sentence(
          at,
          'restarted',
          `Partition ${Number(data['index'] ?? 0)} of step ${step ?? ''} was begun again, from its start.`,
          {
            step,
            ...data,
          },
        ),
      ]
    default:
      return []
  }
}

/** Failures that the run was taken up after: the last one is told as its end. */
function earlierFailures({ events }: RunFacts): readonly Sentence[] {
  const reopened = events.findLast(({ type }) => type === 'run.reopened')
  return events
    .filter(({ type, at }) => type === 'run.failed' && reopened !== undefined && at <= reopened.at)
    .map(({ at, step, data }) => {
      const place =
        typeof data['index'] === 'number' ? `partition ${data['index']} of step ${step ?? ''}` : `step ${step ?? ''}`
      const text = `It failed in ${place} with ${textOf(data['code'])}: ${clause(textOf(data['message']))}.`
      return sentence(at, 'failed', text, { step, ...data })
    })
}

function reopened({ data }: StoreEvent, by: string): string {
  const from = textOf(data['from'])
  const what = from === '' ? 'with what had not succeeded, from the last checkpoints' : `from step ${from} on`
  const code = textOf(data['codeVersion'])
  return `It was taken up again by ${by}, ${what}${code === '' ? '' : `, with the code ${code.slice(0, 12)}`}.`
}

/** Times in which nothing of the run was leased, with the reason as far as the events give one. */
function idle({ activity, events, counts, run, workers }: RunFacts): readonly Sentence[] {
  const retried = counts.filter(({ type }) => type === 'task.retried')
  const firstLease = events.find(({ type }) => type === 'run.running')?.at ?? Infinity
  return activity.idle
    .filter(({ from, to }) => to - from >= NOTABLE_IDLE_MS && from >= firstLease)
    .map(({ from, to }) => {
      const length = span(to - from)
      const ended = events.findLast(
        ({ type, at }) => (type === 'run.failed' || type === 'run.cancelled') && Math.abs(at - from) <= 1_000,
      )
      const known = { fromMs: from, toMs: to, waitedMs: to - from }
      if (ended !== undefined) {
        const what = ended.type === 'run.failed' ? 'failed' : 'cancelled'
        return sentence(
          Math.max(from, ended.at),
          'idle',
          `It lay ${what} for ${length}, until it was taken up again.`,
          {
            ...known,
            why: what,
          },
        )
      }
      if (pausedBetween(events, from, to)) {
        return sentence(from, 'idle', `Nothing of it ran for ${length}: it was paused.`, { ...known, why: 'paused' })
      }
      if (
        retried.some(({ firstAt, lastAt, delayMs }) => delayMs > 0 && firstAt <= from + 1 && lastAt >= from - 1_000)
      ) {
        const text = `Nothing of it ran for ${length}: what was left waited for its retry.`
        return sentence(from, 'idle', text, { ...known, why: 'retry' })
      }
      const open = run.endedAt === null && to >= from && workers.every(({ state }) => state !== 'alive')
      const text = open
        ? `Nothing of it has run for ${length}: no worker is at work in this project.`
        : `Nothing of it ran for ${length}: no worker had taken it up.`
      return sentence(from, 'idle', text, { ...known, why: 'no worker' })
    })
}

function retries({ retries: single, counts }: RunFacts): readonly Sentence[] {
  if (single !== null) return single.map(retry)
  return counts
    .filter(({ type }) => type === 'task.retried')
    .map(({ step, code, count: times, firstAt, lastAt, delayMs }) => {
      const mean = delayMs < times ? 'at once' : `${span(delayMs / times)} later on average`
      const over = lastAt > firstAt ? `, over ${span(lastAt - firstAt)}` : ''
      const text = `In step ${step ?? ''}, ${plural(times, 'attempt')} failed with ${code ?? 'an error'} and were retried ${mean}${over}.`
      return sentence(firstAt, 'retried', text, { step, code, retries: times, lastAtMs: lastAt, delayMs })
    })
}

function retry({ at, step, data }: StoreEvent): Sentence {
  const [partition] = numbersOf(data['partitions'])
  const delay = Number(data['delayMs'] ?? 0)
  const place = partition === undefined ? `The ${textOf(data['kind'])} task` : `Partition ${partition}`
  const when = delay > 0 ? `It was to be tried again ${span(delay)} later` : 'It was tried again at once'
  const text = `${place} of step ${step ?? ''} failed with ${textOf(data['code'])}: ${clause(textOf(data['message']))}. ${when}.`
  return sentence(at, 'retried', text, { step, partition: partition ?? null, ...plainly(data) })
}

function lostLeases({ lost, counts }: RunFacts): readonly Sentence[] {
  const told = lost.slice(0, LOST_TOLD).map(lostLease)
  const all = counts.filter(({ type }) => type === 'tasks.released')
  const total = all.reduce((sum, each) => sum + each.count, 0)
  if (total <= LOST_TOLD) return told
  const rest = total - LOST_TOLD
  const reasons = [...new Set(all.map(({ reason, why }) => why ?? reason ?? ''))]
  const last = Math.max(...all.map(({ lastAt }) => lastAt))
  return [
    ...told,
    sentence(last, 'leases-lost', `Leases ended early ${count(rest)} times more (${listed(reasons)}).`, {
      times: rest,
    }),
  ]
}

function lostLease({ event, followed }: LostLease): Sentence {
  const { at, step, data } = event
  const tasks = plural(Number(data['count'] ?? 0), 'task')
  const place = step === null ? tasks : `${tasks} of step ${step}`
  const why = textOf(data['why'])
  const worker = textOf(data['worker'])
  const facts = { step, ...plainly(data) }
  switch (data['reason']) {
    case 'worker dead': {
      const text = `Worker ${worker} was found dead (${why}) while it held ${place}; they were given to others. ${followed.map(({ lost, next }) => resumption(lost, next)).join(' ')}`
      return sentence(at, 'worker-died', text.trim(), facts)
    }
    case 'given back':
      return sentence(
        at,
        'given-back',
        `${capital(place)} came back at a commit, ${GIVEN_BACK[why] ?? why}; no attempt was used.`,
        facts,
      )
    case 'run failed':
      return sentence(at, 'given-back', `${capital(place)} came back, because the run had failed.`, facts)
    default:
      return sentence(at, 'lease-lost', `${capital(place)} came back: ${textOf(data['reason'])}.`, facts)
  }
}

const GIVEN_BACK: Readonly<Record<string, string>> = {
  paused: 'because the run was paused',
  preempted: 'because the process that worked on it was asked to stop',
  'never started': 'before it had begun',
}

/** From where the next attempt of a lost task went on, and how much was done again. */
function resumption(lost: AttemptRow, next: AttemptRow | null): string {
  const name = `Partition ${lost.index ?? 0}${lost.label === '' ? '' : ` (${lost.label})`}`
  if (next === null) return `${name} waits to go on ${placeOf(lost)}.`
  return `${name} went on ${placeOf(lost)}${redone(lost)}.`
}

function placeOf({ checkpointedAt, from, read }: AttemptRow): string {
  if (checkpointedAt === null && from.sequence === 0) return 'from its beginning: there was no checkpoint yet'
  return `from its checkpoint after ${plural(read, 'record')}`
}

/** Nobody counts what a dead worker did after its last checkpoint; its last sign of life says how long it can have been. */
export function redone({ checkpointedAt, startedAt, leasedAt, worker }: AttemptRow): string {
  const since = checkpointedAt ?? startedAt ?? leasedAt
  const seen = worker.lastSeenAt - since
  const bound = seen > 0 ? ` (its last sign of life came ${span(seen)} later)` : ''
  return `; what the dead worker did after that${bound} was done again`
}

function plainly(data: StoreEvent['data']): StoreEvent['data'] {
  return Object.fromEntries(Object.entries(data).filter(([name]) => name !== 'tasks'))
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`
}
