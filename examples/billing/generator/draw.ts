/** Seeded chance: the same seed gives the same draws on every machine, and so the same files. */
export class Draw {
  #state: number

  /** `seed` and `stream` together choose the sequence: one stream a month keeps months independent of each other. */
  constructor(seed: number, stream: number) {
    this.#state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca77)) >>> 0
  }

  /** A number in [0, 1), from splitmix32. */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
  }

  /** A whole number in [0, bound). */
  below(bound: number): number {
    return Math.floor(this.next() * bound)
  }

  chance(share: number): boolean {
    return this.next() < share
  }

  /** A whole number from 1 with an exponential tail: invoices are like that, most short and a few very long. */
  size(mean: number): number {
    return 1 + Math.floor(-Math.log(1 - this.next()) * (mean - 0.5))
  }

  pick<Item>(items: readonly Item[]): Item {
    return itemAt(items, this.below(items.length))
  }

  /** An item from the front of the list more often than from its end: best sellers, loyal customers. */
  pickEarly<Item>(items: readonly Item[]): Item {
    const draw = this.next()
    return itemAt(items, Math.floor(draw * draw * items.length))
  }

  weighted<Item>(items: readonly (readonly [item: Item, weight: number])[]): Item {
    let left = this.next() * items.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [item, weight] of items) {
      left -= weight
      if (left < 0) return item
    }
    return itemAt(items, items.length - 1)[0]
  }
}

function itemAt<Item>(items: readonly Item[], index: number): Item {
  const item = items[index]
  if (item === undefined) throw new RangeError(`expected an index below ${items.length}, got ${index}`)
  return item
}
