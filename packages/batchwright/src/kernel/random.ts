import { randomBytes } from 'node:crypto'

/** Chance, as everything in the engine draws it: ids, jitter, choices. Seeded in simulations and deterministic runs. */
export interface Random {
  /** A number in [0, 1). */
  next(): number
  /** A whole number in [0, bound). */
  integer(bound: number): number
}

class SeededRandom implements Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** mulberry32 (Tommy Ettinger, public domain): 32 bits of state, passes gjrand's smaller tests; not for secrets. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  integer(bound: number): number {
    return Math.floor(this.next() * bound)
  }
}

class SystemRandom implements Random {
  next(): number {
    return randomBytes(6).readUIntBE(0, 6) / 2 ** 48
  }

  integer(bound: number): number {
    return Math.floor(this.next() * bound)
  }
}

/** The same seed gives the same draws, on every machine. */
export function seededRandom(seed: number): Random {
  return new SeededRandom(seed)
}

export const systemRandom: Random = new SystemRandom()
