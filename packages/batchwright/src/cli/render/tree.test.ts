import { expect, test } from 'vitest'
import { treeRows } from './tree.ts'

function drawn(steps: readonly (readonly [string, ...string[]])[], widest = 20): readonly string[] {
  return treeRows(
    steps.map(([name, ...after]) => ({ name, after })),
    widest,
  ).map(({ step, lead, also }) => `${lead}${step.name}${also.length === 0 ? '' : ` (${also.join(', ')})`}`)
}

test('a step stands under the last of those it reads; the others are named', () => {
  expect(
    drawn([
      ['read'],
      ['rate', 'read'],
      ['lookup'],
      ['bill', 'rate', 'lookup'],
      ['mail', 'rate'],
      ['sum', 'bill', 'mail'],
    ]),
  ).toEqual(['read', '└ rate', '  └ mail', '    └ sum (bill)', 'lookup', '└ bill (rate)'])
})

test('branches are joined down to the last of a step’s readers', () => {
  expect(drawn([['a'], ['b', 'a'], ['c', 'b'], ['d', 'a']])).toEqual(['a', '├ b', '│ └ c', '└ d'])
})

test('what is deeper than there is room stands as deep as there is', () => {
  expect(drawn([['a'], ['b', 'a'], ['c', 'b'], ['d', 'c']], 5)).toEqual(['a', '└ b', '  └ c', '  └ d'])
})

test('a step of which no reader or source is shown stands at the top', () => {
  expect(
    drawn([
      ['b', 'a'],
      ['c', 'b'],
    ]),
  ).toEqual(['b', '└ c'])
})
