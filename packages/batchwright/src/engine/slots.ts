import { BatchwrightError } from '../kernel/errors.ts'
import type { Executor, Slot } from '../executors/index.ts'
import type { Isolation, StepFacts } from './facts.ts'

/** What decides which slots an attempt can run in. */
export type SlotNeeds = Pick<StepFacts, 'isolation' | 'memoryBytes'>

/**
 * Opened slots by isolation and memory, kept between attempts. How many attempts run at once is the worker's business; this only
 * saves the opening.
 */
export class SlotRack {
  readonly #executors: ReadonlyMap<Isolation, Executor>
  readonly #idle = new Map<string, Promise<Slot>[]>()
  readonly #open = new Map<Slot, number>()

  constructor(executors: readonly Executor[]) {
    this.#executors = new Map(executors.map((executor) => [executor.name, executor]))
  }

  /** Starts slots before there is work, so that their start-up overlaps with claiming it. */
  warm(needs: SlotNeeds, count: number): void {
    const executor = this.#executors.get(needs.isolation)
    if (executor === undefined) return
    const idle = this.#idleOf(needs)
    while (idle.length < count) {
      const opening = this.#openOne(executor, needs)
      // Whoever takes it sees the failure; until then it must not count as unhandled.
      opening.catch(() => undefined)
      idle.push(opening)
    }
  }

  /** An idle slot, or a new one. Throws ISOLATION_UNKNOWN, SLOT_START_FAILED. */
  async take(needs: SlotNeeds): Promise<Slot> {
    const { isolation } = needs
    const executor = this.#executors.get(isolation)
    if (executor === undefined) {
      throw new BatchwrightError({
        code: 'ISOLATION_UNKNOWN',
        message: `the step asks for isolation '${isolation}'; this worker has ${[...this.#executors.keys()].join(', ')}`,
        hint: 'Give the worker an executor of that name, or change the isolation of the step.',
      })
    }
    const idle = this.#idleOf(needs)
    for (let next = idle.pop(); next !== undefined; next = idle.pop()) {
      const slot = await next
      if (slot.alive) return slot
      this.#open.delete(slot)
    }
    return this.#openOne(executor, needs)
  }

  /** Which of the open slots it is, from 1: for people. */
  numberOf(slot: Slot): number {
    return this.#open.get(slot) ?? 0
  }

  /** Gives a slot back for the next attempt; dead ones are dropped. */
  put(needs: SlotNeeds, slot: Slot): void {
    if (slot.alive) this.#idleOf(needs).push(Promise.resolve(slot))
    else this.#open.delete(slot)
  }

  /** Closes every slot in good order. */
  async close(): Promise<void> {
    const opening = [...this.#idle.values()].flat()
    this.#idle.clear()
    await Promise.allSettled(opening)
    await Promise.all([...this.#open.keys()].map((slot) => slot.close()))
    this.#open.clear()
  }

  /** Ends what slots of dead workers left running on this machine. Resolves with how many processes. */
  async sweep(): Promise<number> {
    const swept = await Promise.all(
      [...this.#executors.values()].map(async (executor) => (await executor.sweep?.()) ?? 0),
    )
    return swept.reduce((sum, count) => sum + count, 0)
  }

  async #openOne(executor: Executor, needs: SlotNeeds): Promise<Slot> {
    const slot = await executor.openSlot({ memoryBytes: needs.memoryBytes ?? null })
    this.#open.set(slot, this.#lowestFree())
    return slot
  }

  #lowestFree(): number {
    const taken = new Set(this.#open.values())
    let number = 1
    while (taken.has(number)) number += 1
    return number
  }

  #idleOf({ isolation, memoryBytes }: SlotNeeds): Promise<Slot>[] {
    const kind = `${isolation} ${String(memoryBytes ?? 'default')}`
    let idle = this.#idle.get(kind)
    if (idle === undefined) this.#idle.set(kind, (idle = []))
    return idle
  }
}
