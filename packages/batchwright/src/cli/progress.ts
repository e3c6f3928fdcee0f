/**
 * How far a run is, for screens: what the store holds, which is what checkpoints have made durable, and on top of it what
 * attempts in this process have done since.
 */
import type { ProgressFeed, TaskProgress } from '../engine/index.ts'
import type { Counters } from '../protocol/index.ts'
import type { Store } from '../store/contract.ts'
import type { LiveStep, SlowPartition } from './render/live.ts'
import { SlowWatch } from './render/slow.ts'
import { SpeedMeter } from './render/speed.ts'
import type { StepView } from './view.ts'
import { stepView } from './view.ts'

export interface RunProgress {
  readonly steps: readonly LiveStep[]
  readonly slow: readonly SlowPartition[]
  /** Milliseconds until the next retry is due, where nothing runs before it; else null. */
  readonly nextRetryMs: number | null
}

/** Attempts under way that are looked at: more than any process has slots. */
const MOST_ATTEMPTS = 1_000

export class ProgressWatch {
  readonly #store: Store
  readonly #runId: string
  readonly #meter = new SpeedMeter()
  readonly #slow = new SlowWatch()
  readonly #before = new Map<string, StepView>()
  #feed: ProgressFeed | null = null

  constructor(store: Store, runId: string) {
    this.#store = store
    this.#runId = runId
  }

  /** From now on, what this worker's attempts say counts too. */
  follow(feed: ProgressFeed): void {
    this.#feed = feed
  }

  /** How far the run is at `at`, milliseconds of a clock that only grows. */
  async look(at: number): Promise<RunProgress> {
    const running = this.#running()
    const [rows, committed] = await Promise.all([this.#store.listSteps(this.#runId), this.#committed(running)])
    this.#slow.observe(running.flatMap(partitionOf), at)
    const steps = [...rows]
      .sort((left, right) => left.order - right.order)
      .map((row) => {
        const own = running.filter(({ step }) => step === row.name)
        const step = this.#notLess(withRunning(stepView(row), own, committed))
        const shares = own.flatMap(({ progress }) => (progress?.fraction == null ? [] : [progress.fraction]))
        return { ...step, speed: this.#meter.measure(step, at, shares) }
      })
    return { steps, slow: this.#slow.running(at), nextRetryMs: await this.#nextRetry(steps, running) }
  }

  /** Partitions that were slow, when the run has ended. */
  slowFinished(at: number): readonly SlowPartition[] {
    this.#slow.observe([], at)
    return this.#slow.finished()
  }

  /** An attempt that has ended is gone from the feed a moment before the store has its sums: numbers do not jump back for that. */
  #notLess(step: StepView): StepView {
    const before = this.#before.get(step.name)
    const gap = before?.retries === step.retries && before.counters.read > step.counters.read
    const shown = gap ? { ...step, counters: before.counters } : step
    this.#before.set(step.name, shown)
    return shown
  }

  #running(): readonly TaskProgress[] {
    return (this.#feed?.running() ?? []).filter(({ runId }) => runId === this.#runId)
  }

  /** What the last checkpoint of each running attempt holds: it is in the store's sums already. */
  async #committed(running: readonly TaskProgress[]): Promise<ReadonlyMap<number, Counters>> {
    if (!running.some(({ progress }) => progress !== null)) return new Map()
    const tasks = await this.#store.listTasks(this.#runId, { states: ['leased'], limit: MOST_ATTEMPTS })
    return new Map(
      tasks.flatMap(({ taskId, checkpoint }) => (checkpoint === null ? [] : [[taskId, checkpoint.counters]])),
    )
  }

  async #nextRetry(steps: readonly StepView[], running: readonly TaskProgress[]): Promise<number | null> {
    if (running.length > 0 || !steps.some(({ state, retries }) => state === 'running' && retries > 0)) return null
    return this.#store.nextDue([this.#runId])
  }
}

function partitionOf({ taskId, step, kind, index, label }: TaskProgress): readonly {
  readonly taskId: number
  readonly step: string
  readonly index: number
  readonly label: string
}[] {
  return kind === 'partition' && index !== null ? [{ taskId, step, index, label }] : []
}

function withRunning(
  step: StepView,
  running: readonly TaskProgress[],
  committed: ReadonlyMap<number, Counters>,
): StepView {
  let { counters } = step
  for (const { taskId, progress } of running) {
    if (progress === null || progress.counters.read === 0) continue
    counters = plus(counters, progress.counters, committed.get(taskId))
  }
  return { ...step, counters }
}

/** What an attempt has done since its checkpoint, added. A checkpoint may be newer than what was said last: never less. */
function plus(sum: Counters, made: Counters, base: Counters | undefined): Counters {
  const more = (member: Exclude<keyof Counters, 'reasons' | 'named' | 'files'>): number =>
    sum[member] + Math.max(0, made[member] - (base?.[member] ?? 0))
  const reasons: Record<string, number> = { ...sum.reasons }
  for (const [reason, records] of Object.entries(made.reasons)) {
    reasons[reason] = (reasons[reason] ?? 0) + Math.max(0, records - (base?.reasons[reason] ?? 0))
  }
  return {
    ...sum,
    read: more('read'),
    accepted: more('accepted'),
    written: more('written'),
    dropped: more('dropped'),
    deadByRule: more('deadByRule'),
    deadByContract: more('deadByContract'),
    deadByError: more('deadByError'),
    reasons,
    bytesRead: more('bytesRead'),
    bytesWritten: more('bytesWritten'),
    retries: more('retries'),
  }
}
