import { Decimal } from '../../kernel/decimal.ts'

const NODE_BYTES = 32
const MOST_NODES = 10_000

/** About how many bytes of heap a value takes. Looks at no more than ten thousand values in it. */
export function roughBytes(value: unknown): number {
  let bytes = 0
  const waiting: unknown[] = [value]
  for (let nodes = 0; waiting.length > 0 && nodes < MOST_NODES; nodes += 1) {
    const next = waiting.pop()
    if (typeof next === 'string') bytes += NODE_BYTES + next.length
    else if (typeof next !== 'object' || next === null) bytes += 8
    else if (Decimal.is(next) || next instanceof Date) bytes += 2 * NODE_BYTES
    else {
      const members =
        next instanceof Map ? [...next.entries()].flat() : next instanceof Set ? [...next] : Object.values(next)
      bytes += NODE_BYTES + 8 * members.length
      for (const member of members) waiting.push(member)
    }
  }
  return bytes
}

/**
 * Estimates what a map of states takes from a sample: the sizes of states as they were when last looked at, and the geometric
 * mean of those for the rest, so that a few huge states do not make all look huge.
 */
export class SizeEstimate {
  readonly #sizes = new Map<string, number>()
  #sum = 0
  #logSum = 0

  look(key: string, state: unknown): void {
    const size = 2 * key.length + NODE_BYTES + roughBytes(state)
    const before = this.#sizes.get(key)
    if (before !== undefined) {
      this.#sum -= before
      this.#logSum -= Math.log(before)
    }
    this.#sizes.set(key, size)
    this.#sum += size
    this.#logSum += Math.log(size)
  }

  /** Bytes that `count` states take. */
  of(count: number): number {
    const looked = this.#sizes.size
    if (looked === 0) return 0
    return this.#sum + Math.max(0, count - looked) * Math.exp(this.#logSum / looked)
  }
}
