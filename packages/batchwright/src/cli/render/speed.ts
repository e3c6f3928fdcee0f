import type { StepView } from '../view.ts'
import type { Speed } from './live.ts'

/** Speeds are averaged over this long: short enough to follow a change, long enough not to jump at each commit. */
const SPAN_MS = 6_000

interface Sample {
  readonly at: number
  readonly read: number
}

/** Remembers what steps had read a few seconds ago, and tells how fast they go. */
export class SpeedMeter {
  readonly #samples = new Map<string, Sample[]>()

  /**
   * The speed of a step at `at` (milliseconds of a clock that only grows). `running` are the shares, 0 to 1, that its
   * partitions under way have done of their own, where they can tell.
   */
  measure(step: StepView, at: number, running: readonly number[] = []): Speed {
    const samples = this.#samples.get(step.name) ?? []
    this.#samples.set(step.name, samples)
    const { read } = step.counters
    const last = samples.at(-1)
    // A lost attempt takes its uncommitted records with it: start measuring anew.
    if (last !== undefined && read < last.read) samples.length = 0
    if (last?.read !== read || samples.length === 0) samples.push({ at, read })
    while (samples.length > 2 && (samples[1]?.at ?? at) <= at - SPAN_MS) samples.shift()
    const perSecond = speedOf(samples[0], { at, read })
    const fraction = fractionOf(step, running)
    const expected = step.expected
    const leftMs =
      perSecond === null || perSecond === 0 || expected === null
        ? null
        : (Math.max(0, expected - read) / perSecond) * 1000
    return { perSecond, fraction, leftMs }
  }
}

function speedOf(first: Sample | undefined, now: Sample): number | null {
  if (first === undefined || now.at - first.at < 300) return null
  return ((now.read - first.read) / (now.at - first.at)) * 1000
}

function fractionOf(step: StepView, running: readonly number[]): number | null {
  if (step.expected !== null && step.expected > 0) return Math.min(1, step.counters.read / step.expected)
  if (step.tasks === 0) return null
  return Math.min(1, (step.tasksDone + running.reduce((sum, share) => sum + share, 0)) / step.tasks)
}
