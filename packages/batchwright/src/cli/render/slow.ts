import type { SlowPartition } from './live.ts'

/** An attempt that runs in this process. */
export interface RunningPartition {
  readonly taskId: number
  readonly step: string
  readonly index: number
  readonly label: string
}

interface Timed extends RunningPartition {
  readonly since: number
}

interface Finished extends RunningPartition {
  readonly tookMs: number
}

/** So many siblings must have finished before one is called slow. */
const SIBLINGS = 3
/** So many times as long as half of them took, and so long at least. */
const TIMES = 3
const AT_LEAST_MS = 3_000

/** Remembers how long partitions ran in this process, and names those that take much longer than their finished siblings. */
export class SlowWatch {
  readonly #running = new Map<number, Timed>()
  readonly #finished: Finished[] = []
  /** Times of finished partitions by step, in order. */
  readonly #times = new Map<string, number[]>()

  /** What runs at `at`, milliseconds of a clock that only grows. */
  observe(running: readonly RunningPartition[], at: number): void {
    const now = new Set(running.map(({ taskId }) => taskId))
    for (const [taskId, { since, ...partition }] of this.#running) {
      if (now.has(taskId)) continue
      this.#running.delete(taskId)
      this.#finish({ ...partition, tookMs: at - since })
    }
    for (const partition of running) {
      if (!this.#running.has(partition.taskId)) this.#running.set(partition.taskId, { ...partition, since: at })
    }
  }

  /** Those that run and are slow already, the slowest first. */
  running(at: number): readonly SlowPartition[] {
    return this.#slow(
      [...this.#running.values()].map((each) => ({ ...each, tookMs: at - each.since })),
      true,
    )
  }

  /** Those that have finished and were slow, the slowest first. */
  finished(): readonly SlowPartition[] {
    return this.#slow(this.#finished, false)
  }

  #finish(partition: Finished): void {
    this.#finished.push(partition)
    const times = this.#times.get(partition.step) ?? []
    const place = times.findIndex((time) => time >= partition.tookMs)
    times.splice(place === -1 ? times.length : place, 0, partition.tookMs)
    this.#times.set(partition.step, times)
  }

  #slow(partitions: readonly Finished[], running: boolean): readonly SlowPartition[] {
    return partitions
      .flatMap(({ step, index, label, tookMs }) => {
        const times = this.#times.get(step) ?? []
        const siblings = running ? times.length : times.length - 1
        const typicalMs = times[Math.floor((times.length - 1) / 2)] ?? Infinity
        const slow = siblings >= SIBLINGS && tookMs >= AT_LEAST_MS && tookMs > TIMES * typicalMs
        return slow ? [{ step, index, label, tookMs, typicalMs, running }] : []
      })
      .sort((left, right) => right.tookMs - left.tookMs)
  }
}
