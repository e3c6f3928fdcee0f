import { closeSync, mkdirSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import path from 'node:path'

/** 128 bits in four words. */
export type Digest = Uint32Array

const WORDS = 4
const BYTES = 16
const FIRST_SLOTS = 1024
/** Bits of Bloom filter for a key: one look-up in a hundred and twenty goes to disk in vain. */
const BLOOM_BITS = 10
const BLOOM_HASHES = 7
const PAGE_SLOTS = 64

/**
 * A set of 128-bit digests with bounded memory. Digests live in an open-addressing table up to `memoryBytes`; then the table
 * is written to a file as it stands, and looked up there by its slots, behind a Bloom filter; a new table begins. What stays in
 * memory is the table and some 2 bytes for each digest on disk. The files have no names: they vanish with the process.
 */
export class DigestSet {
  readonly #folder: string
  readonly #mostSlots: number
  #table = new Uint32Array(FIRST_SLOTS * WORDS)
  #slots = FIRST_SLOTS
  #held = 0
  #spilled: SpilledTable[] = []
  #files = 0

  /** `folder` is for spilled tables, made when first needed; `memoryBytes` is the most for the table, default 32 MiB. */
  constructor(folder: string, memoryBytes = 32 * 1024 * 1024) {
    this.#folder = folder
    this.#mostSlots = Math.max(FIRST_SLOTS, 2 ** Math.floor(Math.log2(memoryBytes / BYTES)))
  }

  get spills(): number {
    return this.#spilled.length
  }

  /** Adds a digest; false where it was there already. All zeros is not a digest that a hash gives: it counts as 1. */
  add(digest: Digest): boolean {
    const a = digest[0] ?? 0
    const b = digest[1] ?? 0
    const c = digest[2] ?? 0
    const d = (a | b | c | (digest[3] ?? 0)) === 0 ? 1 : (digest[3] ?? 0)
    const place = find(this.#table, this.#slots, a, b, c, d)
    if (place < 0) return false
    for (const table of this.#spilled) if (table.has(a, b, c, d)) return false
    put(this.#table, place, a, b, c, d)
    this.#held += 1
    if (this.#held * 4 > this.#slots * 3) this.#makeRoom()
    return true
  }

  /** Forgets all digests. */
  clear(): void {
    this.close()
    this.#slots = FIRST_SLOTS
    this.#table = new Uint32Array(FIRST_SLOTS * WORDS)
    this.#held = 0
  }

  /** Lets go of the files. */
  close(): void {
    for (const table of this.#spilled) table.close()
    this.#spilled = []
  }

  #makeRoom(): void {
    if (this.#slots < this.#mostSlots) {
      this.#table = grown(this.#table, this.#slots)
      this.#slots *= 2
      return
    }
    mkdirSync(this.#folder, { recursive: true })
    this.#files += 1
    this.#spilled.push(new SpilledTable(path.join(this.#folder, `seen-${this.#files}.tmp`), this.#table, this.#slots))
    this.#table.fill(0)
    this.#held = 0
  }
}

/** The word where the digest belongs if it is absent; -1 where it is present. */
function find(table: Uint32Array, slots: number, a: number, b: number, c: number, d: number): number {
  const mask = slots - 1
  for (let slot = a & mask; ; slot = (slot + 1) & mask) {
    const place = slot * WORDS
    const w = table[place]
    const x = table[place + 1]
    const y = table[place + 2]
    const z = table[place + 3]
    if (w === a && x === b && y === c && z === d) return -1
    if (w === 0 && x === 0 && y === 0 && z === 0) return place
  }
}

function put(table: Uint32Array, place: number, a: number, b: number, c: number, d: number): void {
  table[place] = a
  table[place + 1] = b
  table[place + 2] = c
  table[place + 3] = d
}

function grown(table: Uint32Array, slots: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(slots * 2 * WORDS)
  eachDigest(table, (a, b, c, d) => {
    put(larger, find(larger, slots * 2, a, b, c, d), a, b, c, d)
  })
  return larger
}

function eachDigest(table: Uint32Array, visit: (a: number, b: number, c: number, d: number) => void): void {
  for (let place = 0; place < table.length; place += WORDS) {
    const a = table[place] ?? 0
    const b = table[place + 1] ?? 0
    const c = table[place + 2] ?? 0
    const d = table[place + 3] ?? 0
    if ((a | b | c | d) !== 0) visit(a, b, c, d)
  }
}

/** A full table on disk, with its Bloom filter in memory. */
class SpilledTable {
  readonly #file: number
  readonly #slots: number
  readonly #bloom: Uint32Array
  readonly #page = new Uint32Array(PAGE_SLOTS * WORDS)

  constructor(file: string, table: Uint32Array, slots: number) {
    this.#slots = slots
    this.#bloom = new Uint32Array(Math.ceil((slots * BLOOM_BITS) / 32))
    eachDigest(table, (_, b, c, d) => {
      this.#mark(b, c ^ d)
    })
    this.#file = openSync(file, 'wx+')
    unlinkSync(file)
    const bytes = new Uint8Array(table.buffer, table.byteOffset, table.byteLength)
    for (let written = 0; written < bytes.length;) written += writeSync(this.#file, bytes, written)
  }

  has(a: number, b: number, c: number, d: number): boolean {
    if (!this.#marked(b, c ^ d)) return false
    const mask = this.#slots - 1
    let slot = a & mask
    for (;;) {
      const first = slot - (slot % PAGE_SLOTS)
      readSync(this.#file, this.#page, 0, this.#page.byteLength, first * BYTES)
      for (let place = (slot - first) * WORDS; place < this.#page.length; place += WORDS) {
        const w = this.#page[place]
        const x = this.#page[place + 1]
        const y = this.#page[place + 2]
        const z = this.#page[place + 3]
        if (w === a && x === b && y === c && z === d) return true
        if (w === 0 && x === 0 && y === 0 && z === 0) return false
      }
      slot = (first + PAGE_SLOTS) & mask
    }
  }

  close(): void {
    closeSync(this.#file)
  }

  #mark(h: number, step: number): void {
    const bits = this.#bloom.length * 32
    for (let index = 0; index < BLOOM_HASHES; index += 1) {
      const bit = ((h + Math.imul(index, step)) >>> 0) % bits
      this.#bloom[bit >>> 5] = (this.#bloom[bit >>> 5] ?? 0) | (1 << (bit & 31))
    }
  }

  #marked(h: number, step: number): boolean {
    const bits = this.#bloom.length * 32
    for (let index = 0; index < BLOOM_HASHES; index += 1) {
      const bit = ((h + Math.imul(index, step)) >>> 0) % bits
      if (((this.#bloom[bit >>> 5] ?? 0) & (1 << (bit & 31))) === 0) return false
    }
    return true
  }
}
