/** A batch is this much work, milliseconds: with one in the slot and one waiting, a worker that dies has held little. */
const BATCH_MS = 100
/** More would make no difference to the store, and longer transactions. */
const LARGEST = 500
/** One measure says little: the next batch is at most this many times as large. */
const GROWTH = 16
/** Steps that are remembered: those that were at work last. */
const STEPS = 100

interface Measured {
  readonly job: string
  readonly step: string
  tasks: number
}

/** How many tasks of a step travel together, learned from how long they took. One, where nothing is known yet. */
export class Pace {
  readonly #steps = new Map<string, Measured>()

  /** Tasks of the step that make a batch. */
  of(job: string, step: string): number {
    return this.#steps.get(keyOf(job, step))?.tasks ?? 1
  }

  /** So many tasks of the step took so long together, milliseconds. */
  measured(job: string, step: string, tasks: number, ms: number): void {
    if (tasks === 0) return
    const key = keyOf(job, step)
    const before = this.#steps.get(key)?.tasks ?? 1
    const fitting = Math.floor((BATCH_MS * tasks) / Math.max(ms, 1e-3))
    this.#steps.delete(key)
    this.#steps.set(key, { job, step, tasks: Math.max(1, Math.min(fitting, before * GROWTH, LARGEST)) })
    const [oldest] = this.#steps.keys()
    if (this.#steps.size > STEPS && oldest !== undefined) this.#steps.delete(oldest)
  }

  /** Its tasks travel one by one until they are measured again. */
  forget(job: string, step: string): void {
    this.#steps.delete(keyOf(job, step))
  }

  /** The steps whose tasks travel in batches. */
  batches(): readonly Readonly<Measured>[] {
    return [...this.#steps.values()].filter(({ tasks }) => tasks > 1)
  }
}

function keyOf(job: string, step: string): string {
  return `${job}\n${step}`
}
