/** How a group is committed. */
export interface GroupOptions<Item, Outcome> {
  /** One store call for the whole group; answers in the order of the items. */
  readonly commit: (items: readonly Item[]) => Promise<readonly Outcome[]>
  /** A group is not larger, unless its items were added together. */
  readonly limit: number
  /** Store calls under way at once. */
  readonly calls: number
}

/** Items that were added together, and who waits for their outcomes. */
interface Lot<Item, Outcome> {
  readonly items: readonly Item[]
  readonly resolve: (outcomes: readonly Outcome[]) => void
  readonly reject: (error: unknown) => void
}

/**
 * Gathers items into store calls. Where no call is under way an item does not wait; while the calls are under way the next
 * group gathers, so that a slow store makes groups larger instead of queues longer.
 */
export class CommitGroup<Item, Outcome> {
  readonly #options: GroupOptions<Item, Outcome>
  #waiting: Lot<Item, Outcome>[] = []
  #scheduled = false
  #busy = 0

  constructor(options: GroupOptions<Item, Outcome>) {
    this.#options = options
  }

  /** Resolves with the item's own outcome when its group is committed; rejects when the group's call failed. */
  async add(item: Item): Promise<Outcome> {
    const [outcome] = await this.addAll([item])
    if (outcome === undefined) throw new Error('the store answered for fewer items than it was given')
    return outcome
  }

  /** The same for several: they are committed together. */
  addAll(items: readonly Item[]): Promise<readonly Outcome[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ items, resolve, reject })
      this.#schedule()
    })
  }

  /** What is added in the same turn belongs together. */
  #schedule(): void {
    if (this.#scheduled || this.#busy >= this.#options.calls) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#busy >= this.#options.calls || this.#waiting.length === 0) return
    const lots = this.#take()
    this.#busy += 1
    this.#options
      .commit(lots.flatMap(({ items }) => items))
      .then(
        (outcomes) => {
          let from = 0
          for (const { items, resolve } of lots) {
            resolve(outcomes.slice(from, from + items.length))
            from += items.length
          }
        },
        (error: unknown) => {
          for (const { reject } of lots) reject(error)
        },
      )
      .finally(() => {
        this.#busy -= 1
        this.#flush()
      })
    if (this.#waiting.length > 0) this.#schedule()
  }

  #take(): readonly Lot<Item, Outcome>[] {
    let count = 0
    const end = this.#waiting.findIndex(({ items }, place) => {
      count += items.length
      return place > 0 && count > this.#options.limit
    })
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : end)
  }
}
