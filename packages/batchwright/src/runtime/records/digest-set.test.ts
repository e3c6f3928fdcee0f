import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Decimal } from '../../kernel/decimal.ts'
import { canonicalText, digestInto } from './canonical-key.ts'
import { DigestSet } from './digest-set.ts'

function digestOf(key: string): Uint32Array {
  const digest = new Uint32Array(4)
  digestInto(key, digest)
  return digest
}

test('a set that is spilled many times answers as one that never is, and leaves no file', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'batchwright-digests-'))
  const small = new DigestSet(path.join(folder, 'spill'), 1024 * 16)
  const known = new Set<string>()
  for (let turn = 0; turn < 40_000; turn += 1) {
    const key = `key ${String((turn * 7919) % 25_000)}`
    expect(small.add(digestOf(key))).toBe(!known.has(key))
    known.add(key)
  }
  expect(small.spills).toBeGreaterThan(10)
  expect(readdirSync(path.join(folder, 'spill'))).toEqual([])
  small.clear()
  expect(small.add(digestOf('key 1'))).toBe(true)
  small.close()
  rmSync(folder, { recursive: true })
})

test('canonical text is equal for equal keys and different for different ones', () => {
  const plain = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(fc.string()),
    fc.dictionary(fc.string(), fc.integer()),
  )
  fc.assert(
    fc.property(plain, plain, (a, b) => {
      // Negative zero is JSON's zero, and ours.
      const same = JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
      expect(canonicalText(a) === canonicalText(b)).toBe(same)
    }),
    { numRuns: 2000 },
  )
})

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return { members: Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)) }
}

test('decimals are compared by value, members by name, whatever their order', () => {
  const text = canonicalText({ a: Decimal.from('1.5'), b: ['x', null] })
  expect(canonicalText({ b: ['x', null], a: Decimal.from('1.50') })).toBe(text)
  expect(canonicalText({ b: ['x', null], a: Decimal.from('1.51') })).not.toBe(text)
  expect(canonicalText({ b: ['x', null], a: '1.5' })).not.toBe(text)
  expect(() => canonicalText({ a: () => 1 })).toThrow('expected a key of plain values')
})
