import { expect, test } from 'vitest'
import { contract, dataset, field, job, jsonl, record } from './index.ts'
import type { RecordsStep, StepDefinition } from './model.ts'

const row = record({ id: field.text() })
const lines = dataset('lines', { files: 'lines.jsonl', format: jsonl(), contract: contract(1, row) })
const done = dataset('done', { location: 'out', format: jsonl(), contract: contract(1, row) })

function only(definition: { readonly steps: readonly StepDefinition[] }): RecordsStep {
  const [step] = definition.steps
  if (step?.kind !== 'records') throw new Error('expected a records step')
  return step
}

test('a step is cut while it runs unless it says never, and gets no copies unless it says when', () => {
  const silent = job('a', {}, (steps) => void steps.records('work').read(lines).write(done))
  expect(only(silent)).not.toHaveProperty('rebalance')
  expect(only(silent)).not.toHaveProperty('speculation')
  const said = job('b', {}, (steps) => {
    const rule = { after: '50%', slowerThan: 3, atLeast: '1min' } as const
    steps.records('work').read(lines).rebalance('never').speculate(rule).write(done)
  })
  expect(only(said)).toMatchObject({
    rebalance: 'never',
    speculation: { after: 0.5, slowerThan: 3, atLeastMs: 60_000 },
  })
  const usual = job('c', {}, (steps) => void steps.records('work').read(lines).speculate().write(done))
  expect(only(usual).speculation).toEqual({ after: 0.75, slowerThan: 2, atLeastMs: 10_000 })
})

test('a rule that would copy what is no slower than the others is refused', () => {
  expect(() =>
    job('a', {}, (steps) => void steps.records('work').read(lines).speculate({ slowerThan: 1 }).write(done)),
  ).toThrow(/slowerThan: expected a number above 1, found the number 1/)
})
