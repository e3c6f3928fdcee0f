import type { Clock } from '../kernel/clock.ts'

export interface GroupOptions<Item, Outcome> {
  /** One store call for the whole group; answers in the order of the items. */
  readonly commit: (items: readonly Item[]) => Promise<readonly Outcome[]>
  readonly clock: Clock
  /** How long the first item of a group waits for company. */
  readonly widthMs: number
  /** A group of this size goes at once. */
  readonly limit: number
}

interface Waiting<Item, Outcome> {
  readonly item: Item
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (error: unknown) => void
}

/**
 * Gathers items that arrive within a few milliseconds into one store call. While a call is under way the next group
 * gathers, so that a slow store makes groups larger instead of queues longer.
 */
export class CommitGroup<Item, Outcome> {
  readonly #options: GroupOptions<Item, Outcome>
  #waiting: Waiting<Item, Outcome>[] = []
  #scheduled = false
  #busy = false

  constructor(options: GroupOptions<Item, Outcome>) {
    this.#options = options
  }

  /** Resolves with the item's own outcome when its group is committed; rejects when the group's call failed. */
  add(item: Item): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      if (this.#waiting.length >= this.#options.limit) this.#flush()
      else this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#scheduled || this.#busy) return
    this.#scheduled = true
    this.#options.clock.after(
      this.#options.widthMs,
      () => {
        this.#flush()
      },
      { hold: true },
    )
  }

  #flush(): void {
    this.#scheduled = false
    if (this.#busy || this.#waiting.length === 0) return
    const group = this.#waiting.splice(0, this.#options.limit)
    this.#busy = true
    this.#options
      .commit(group.map((waiting) => waiting.item))
      .then(
        (outcomes) => {
          group.forEach((waiting, index) => {
            const outcome = outcomes[index]
            if (outcome === undefined) waiting.reject(new Error('the store answered for fewer items than it was given'))
            else waiting.resolve(outcome)
          })
        },
        (error: unknown) => {
          for (const waiting of group) waiting.reject(error)
        },
      )
      .finally(() => {
        this.#busy = false
        this.#flush()
      })
  }
}
