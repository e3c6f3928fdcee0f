/** Which chain of steps and partitions determined how long a run took, and how much shorter it could have been. */
import type { TaskKind } from '../../protocol/index.ts'
import type { AttemptTotals } from '../../store/contract.ts'
import type { RunTimes } from './gather.ts'

/** A stretch of the chain. The stretches follow each other from the run's beginning to its end. */
export interface Stretch {
  readonly step: string
  /** `wait`: nothing of the step was under way, though all it reads was ready. */
  readonly phase: 'wait' | TaskKind
  readonly from: number
  readonly to: number
  /** Of partitions: how many, how many at once at most, and which took longest and which ended last. */
  readonly partitions: PartitionStretch | null
}

export interface PartitionStretch {
  readonly count: number
  readonly most: number
  readonly longest: { readonly index: number | null; readonly ms: number }
  readonly last: { readonly index: number | null; readonly ms: number }
  /** How long at the end only one of them was left. */
  readonly aloneMs: number
  /** Of attempts that did not succeed. */
  readonly lostMs: number
  /** With the same work and nothing lost, spread evenly over as many slots: no less than the longest partition. */
  readonly evenMs: number
  /** The work over as many slots, however it is cut. */
  readonly sharedMs: number
}

export interface CriticalPath {
  readonly stretches: readonly Stretch[]
  /** How much shorter with the work of each step spread evenly over the slots it had, and nothing lost. */
  readonly evenlyMs: number
  /** The same, were the partitions so small that the longest of them does not matter. */
  readonly smallerMs: number
  /** Slot time of attempts on the chain that did not succeed. */
  readonly lostMs: number
  /** No run of these partitions can be shorter, whatever the number of slots: the longest partition of each step decides. */
  readonly floorMs: number
}

/** Shorter waits are the engine's own turning. */
const NOTABLE_WAIT_MS = 100

/** Null where the run has not been worked on. */
export function criticalPath(times: RunTimes): CriticalPath | null {
  const chain = chainOf(times)
  if (chain.length === 0) return null
  const stretches: Stretch[] = []
  let at = times.from
  for (const group of chain) {
    const begin = Math.max(at, group.firstLeasedAt)
    const end = Math.max(begin, group.lastEndedAt ?? times.to)
    if (begin - at >= NOTABLE_WAIT_MS) {
      stretches.push({ step: group.step, phase: 'wait', from: at, to: begin, partitions: null })
    }
    stretches.push({
      step: group.step,
      phase: group.kind,
      from: begin,
      to: end,
      partitions: partitionsOf(times, group),
    })
    at = end
  }
  const saved = (least: (partitions: PartitionStretch) => number): number =>
    stretches.reduce(
      (sum, { from, to, partitions }) => sum + (partitions === null ? 0 : Math.max(0, to - from - least(partitions))),
      0,
    )
  const least = stretches.map(({ phase, from, to, partitions }) =>
    phase === 'wait' ? 0 : Math.min(to - from, partitions?.longest.ms ?? to - from),
  )
  return {
    stretches,
    lostMs: stretches.reduce((sum, { partitions }) => sum + (partitions?.lostMs ?? 0), 0),
    evenlyMs: saved(({ evenMs }) => evenMs),
    smallerMs: saved(({ sharedMs }) => sharedMs),
    floorMs: least.reduce((sum, ms) => sum + ms, 0),
  }
}

/** From the step that ended last backwards: of the steps that one comes after, the one that was ready last. */
function chainOf({ steps, totals, to }: RunTimes): readonly AttemptTotals[] {
  const of = (step: string, kind: TaskKind): AttemptTotals | undefined =>
    totals.find((group) => group.step === step && group.kind === kind)
  const ended = (group: AttemptTotals | undefined): number => (group === undefined ? -1 : (group.lastEndedAt ?? to))
  const readyAt = (step: string): number =>
    Math.max(...(['plan', 'partition', 'verify'] as const).map((kind) => ended(of(step, kind))))
  const worked = steps.filter(({ name }) => totals.some(({ step }) => step === name))
  let name: string | undefined = latest(
    worked.map((step) => step.name),
    readyAt,
  )
  const publish = totals.filter(({ kind }) => kind === 'publish').sort((left, right) => ended(right) - ended(left))[0]
  const chain: AttemptTotals[] = publish === undefined ? [] : [publish]
  while (name !== undefined) {
    const step: string = name
    chain.unshift(
      ...(['plan', 'partition', 'verify'] as const)
        .map((kind) => of(step, kind))
        .filter((group) => group !== undefined),
    )
    const before = steps.find((candidate) => candidate.name === step)?.after ?? []
    name = latest(
      before.filter((other) => worked.some((candidate) => candidate.name === other)),
      readyAt,
    )
  }
  return chain
}

function latest(names: readonly string[], at: (name: string) => number): string | undefined {
  return names.reduce<string | undefined>(
    (found, name) => (found === undefined || at(name) > at(found) ? name : found),
    undefined,
  )
}

function partitionsOf({ activity }: RunTimes, group: AttemptTotals): PartitionStretch | null {
  if (group.kind !== 'partition') return null
  const work = group.lastEndedAt === null ? group.busyMs : group.succeededMs
  const lane = activity.lanes.find(({ step, kind }) => step === group.step && kind === 'partition')
  const most = Math.max(1, lane?.most ?? 1)
  return {
    count: group.tasks,
    most,
    longest: group.longest,
    last: group.last,
    aloneMs: lane?.aloneMs ?? 0,
    lostMs: group.busyMs - work,
    evenMs: Math.max(group.longest.ms, work / most),
    sharedMs: work / most,
  }
}
