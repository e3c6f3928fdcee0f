/** The story of one step: what it waited for, how it was planned, how its partitions went, how it was verified. */
import type { AttemptTotals, Store } from '../../store/contract.ts'
import { isJsonObject } from '../json.ts'
import type { Place } from '../place.ts'
import { count, plural } from '../render/text.ts'
import { checksOf, dead, runTitle, stepView } from '../view.ts'
import { course } from './course.ts'
import { ending } from './ending.ts'
import type { RunFacts } from './facts.ts'
import { clause, listed, sentence, span } from './sentence.ts'
import type { Sentence, Story } from './sentence.ts'

export interface StepFacts {
  readonly run: RunFacts
  readonly step: NonNullable<Place['step']>
  readonly totals: readonly AttemptTotals[]
}

export async function gatherStepFacts(
  store: Store,
  run: RunFacts,
  step: NonNullable<Place['step']>,
): Promise<StepFacts> {
  const all = await store.totalAttempts([run.run.runId])
  return { run, step, totals: all.filter((totals) => totals.step === step.name) }
}

export function stepStory(facts: StepFacts): Story {
  const { run, step } = facts
  const mine = ({ facts: known }: Sentence): boolean => known['step'] === step.name
  const failed = run.run.failure?.step === step.name
  return {
    title: `step ${step.name} of ${runTitle(run.run)} is ${step.state}`,
    chapters: [
      { title: 'its work', sentences: [...before(facts), ...phases(facts), ...notes(facts), ...counted(facts)] },
      { title: 'what happened', sentences: course(run).filter(mine) },
      { title: 'how it was judged', sentences: judged(facts) },
      { title: 'how it ended', sentences: failed ? ending(run) : [] },
      { title: 'next', sentences: next(facts) },
    ].filter(({ sentences }) => sentences.length > 0),
  }
}

function before({ step }: StepFacts): readonly Sentence[] {
  if (step.after.length === 0) return []
  const verb = step.state === 'waiting' ? 'waits for' : 'waited for'
  return [
    sentence(null, 'after', `It ${verb} ${listed(step.after)}, whose output it reads or comes after.`, {
      after: step.after,
    }),
  ]
}

const PHASES = { plan: 'Planning', partition: 'Its partitions', verify: 'Verifying', publish: 'Publishing' } as const

function phases({ totals }: StepFacts): readonly Sentence[] {
  return totals.map(({ kind, attempts, tasks, firstLeasedAt, lastEndedAt, busyMs, longest, outcomes }) => {
    const took = lastEndedAt === null ? 'is under way' : `took ${span(lastEndedAt - firstLeasedAt)}`
    const others = Object.entries(outcomes).filter(([outcome]) => outcome !== 'succeeded')
    const ends = others.map(([outcome, times]) => `${count(times)} ${outcome}`)
    const detail =
      kind === 'partition'
        ? `: ${plural(tasks, 'partition')} in ${plural(attempts, 'attempt')}, ${span(busyMs)} of work in all; the longest was partition ${longest.index ?? 0} with ${span(longest.ms)}`
        : attempts > 1
          ? ` in ${plural(attempts, 'attempt')}`
          : ''
    const text = `${PHASES[kind]} ${kind === 'partition' && lastEndedAt === null ? 'are under way' : took}${detail}${ends.length === 0 ? '' : ` (${listed(ends)})`}.`
    return sentence(firstLeasedAt, 'phase', text, { kind, attempts, tasks, busyMs, outcomes, longestMs: longest.ms })
  })
}

function notes({ step }: StepFacts): readonly Sentence[] {
  return (step.plan?.notes ?? [])
    .slice(0, 5)
    .map((note) => sentence(null, 'note', `Planning noted: ${clause(note)}.`, { note }))
}

function counted({ step }: StepFacts): readonly Sentence[] {
  const { counters } = step
  if (counters.read === 0 && counters.written === 0) return []
  const letters = dead(counters)
  const reasons = Object.entries(counters.reasons)
    .sort(([, left], [, right]) => right - left)
    .map(([reason, times]) => `${count(times)} ${reason}`)
  const text = `It read ${plural(counters.read, 'record')}: ${count(counters.accepted)} accepted, ${count(counters.dropped)} dropped, ${count(letters)} dead${reasons.length === 0 ? '' : ` (${listed(reasons)})`}; it wrote ${count(counters.written)}.`
  return [
    sentence(null, 'counted', text, {
      read: counters.read,
      written: counters.written,
      dropped: counters.dropped,
      dead: letters,
    }),
  ]
}

function judged({ step }: StepFacts): readonly Sentence[] {
  const findings = checksOf(step.verification).filter(isJsonObject)
  return findings.map((finding) => {
    const [kind, name, expected, found] = ['kind', 'name', 'expected', 'found'].map((member) => {
      const value = finding[member]
      return typeof value === 'string' ? value : ''
    })
    const held = finding['passed'] === true
    const text = held
      ? `The ${kind ?? ''} ${name ?? ''} held: ${found ?? ''}.`
      : `The ${kind ?? ''} ${name ?? ''} did not hold: expected ${expected ?? ''}, found ${found ?? ''}.`
    return sentence(null, held ? 'held' : 'warned', text, { ...finding })
  })
}

function next({ run, step }: StepFacts): readonly Sentence[] {
  const { runId } = run.run
  const view = stepView(step)
  const commands = [
    ...(dead(view.counters) > 0 ? [`batchwright dead-letters list ${runId} --step ${step.name}`] : []),
    ...(step.state === 'failed' ? [`batchwright retry ${runId} --from ${step.name}`] : []),
    `batchwright logs ${runId} --step ${step.name}`,
  ]
  return commands.map((command) => sentence(null, 'next', command, { command }))
}
