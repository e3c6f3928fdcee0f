import type { ClaimRequest } from '../contract/index.ts'
import type { QueuedStep } from './queued.ts'

/** Sums of fractions are a little off. */
const NEARLY = 1e-9

type Named = Pick<QueuedStep, 'job' | 'name' | 'kind'>

/**
 * What a claim may still take, in slots: any task takes one; of the short tasks that the worker names several share one, and
 * those may fill some slots more, ahead of the time when they are free.
 */
export class SlotRoom {
  readonly #slots: number
  readonly #ahead: number
  readonly #depths: ReadonlyMap<string, number>
  readonly #deepest: number
  #plain = 0
  #short = 0

  constructor({ limit, ahead = 0, depths = [] }: Pick<ClaimRequest, 'limit' | 'ahead' | 'depths'>) {
    this.#slots = limit
    this.#ahead = ahead
    this.#depths = new Map(depths.map(({ job, step, tasks }) => [`${job}\n${step}`, tasks]))
    this.#deepest = Math.max(1, ...this.#depths.values())
  }

  /** Tasks that there may be room for, whatever they are. */
  get tasks(): number {
    return Math.max(0, Math.floor(this.#left * (this.#shortOnly || this.#deepest > 1 ? this.#deepest : 1) + NEARLY))
  }

  /** Of these steps those that there may be room for. */
  fitting<Step extends Named>(steps: readonly Step[]): readonly Step[] {
    return this.#shortOnly ? steps.filter((step) => this.#depthOf(step) !== undefined) : steps
  }

  /** Takes room for a task of a step; false where there is none. */
  take(step: Named): boolean {
    const depth = this.#depthOf(step)
    const size = depth === undefined ? 1 : 1 / depth
    if (size > (depth === undefined ? this.#leftPlain : this.#left) + NEARLY) return false
    if (depth === undefined) this.#plain += 1
    else this.#short += size
    return true
  }

  get #left(): number {
    return this.#slots + this.#ahead - this.#plain - this.#short
  }

  /** Short tasks use what lies ahead first. */
  get #leftPlain(): number {
    return this.#slots - this.#plain - Math.max(0, this.#short - this.#ahead)
  }

  get #shortOnly(): boolean {
    return this.#leftPlain < 1 - NEARLY
  }

  #depthOf({ job, name, kind }: Named): number | undefined {
    return kind === 'partition' ? this.#depths.get(`${job}\n${name}`) : undefined
  }
}
