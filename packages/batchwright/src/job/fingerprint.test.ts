import { expect, test } from 'vitest'
import {
  contract,
  csv,
  dataset,
  field,
  fingerprintDifferences,
  job,
  jsonl,
  parquet,
  planFingerprint,
  record,
} from './index.ts'
import type { FormatDefinition, JobDefinition } from './model.ts'

interface Variant {
  readonly scale?: number
  readonly format?: FormatDefinition
  readonly by?: 'file' | 'auto'
  readonly key?: (record: { readonly id: string }) => string
  readonly version?: number
  readonly buckets?: number
  readonly effect?: number
}

function defined(variant: Variant = {}): JobDefinition {
  const schema = contract(1, record({ id: field.text(), amount: field.decimal({ scale: variant.scale ?? 2 }) }))
  const input = dataset('input', { files: 'x', format: csv(), contract: schema })
  const output = dataset('output', { location: 'y', format: variant.format ?? jsonl(), contract: schema })
  return job('j', {}, (steps) => {
    const lines = steps
      .records('lines')
      .read(input)
      .state({ version: variant.version ?? 1 })
      .process((line) => (variant.effect === 1 ? { ...line, id: 'x' } : line))
      .partition(variant.by ?? 'auto')
      .write(output)
    steps
      .reduce('sum')
      .read(lines)
      .by(variant.key ?? ((line) => line.id))
      .fold({ initial: () => 0, add: (n) => n, finish: () => [] })
      .buckets(variant.buckets ?? 4)
  })
}

test.each<readonly [Variant, readonly string[]]>([
  [{}, []],
  [{ effect: 1 }, []],
  [{ scale: 3 }, ['contracts: the contract of a dataset it reads or writes is another']],
  [{ format: parquet() }, ['formats: the format of a dataset it reads or writes is another']],
  [{ by: 'file' }, ['partitioning: how its input is cut is another']],
  [{ version: 2 }, ['state: the version or the place of its state is another']],
  [{ key: (line) => line.id.toUpperCase() }, ['keys: the code of a key function is another']],
  [{ buckets: 8 }, ['graph: what the step reads, writes and waits for is another']],
])('%j is named as %j', (variant, named) => {
  expect(
    fingerprintDifferences(planFingerprint(defined(), 'lines'), planFingerprint(defined(variant), 'lines')),
  ).toEqual(named)
})

test('a process function may be added where nothing remembers its place', () => {
  const plain = contract(1, record({ id: field.text() }))
  const input = dataset('input', { files: 'x', format: csv(), contract: plain })
  const output = dataset('output', { location: 'y', format: jsonl(), contract: plain })
  const fingerprint = (change: 'none' | 'process' | 'distinct'): string => {
    const made = job('j', {}, (steps) => {
      const lines = steps.records('lines').read(input)
      if (change === 'none') lines.write(output)
      else if (change === 'process') lines.process((line) => line).write(output)
      else lines.distinct({ within: 'file' }).write(output)
    })
    return planFingerprint(made, 'lines')
  }
  expect(fingerprint('process')).toBe(fingerprint('none'))
  expect(fingerprint('distinct')).not.toBe(fingerprint('none'))
})

test('a step that does not exist gets a suggestion', () => {
  expect(() => planFingerprint(defined(), 'line')).toThrow(/no step "line"/)
})
