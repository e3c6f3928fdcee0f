import { expect, test } from 'vitest'
import type { Limit } from '../../job/index.ts'
import { counters, stepRow } from '../fixtures/rows.ts'
import { stepView } from '../view.ts'
import { paintNothing } from './paint.ts'
import { reasonLines } from './reasons.ts'

const SKIP: Limit = { ratio: 0.05, count: null }
const REST: Limit = { ratio: 0.02, count: null }

/** The last column, by reason. */
function limits(reasons: Readonly<Record<string, number>>, deadByRule: number, deadByContract: number): unknown {
  const step = stepView(
    stepRow({ counters: counters({ read: 1_000, deadByRule, deadByContract, deadByError: 1, reasons }) }),
  )
  const rejects = new Map<string, Limit>([
    ['no_customer', { ratio: 0.1, count: null }],
    ['*', REST],
  ])
  const allowed = new Map([[step.name, { rejects, skip: SKIP }]])
  const lines = reasonLines([step], allowed, { width: 120, paint: paintNothing }).slice(1)
  return Object.fromEntries(
    lines.map((line) => [line.trim().split(/\s+/)[1], /(\d+ %)?$/.exec(line.replace(/\d\.\d %/, ''))?.[1]]),
  )
}

test('broken contracts and errors fall under skip, other rules under the limit of the others', () => {
  expect(limits({ no_customer: 3, negative: 2, bad_number: 4, USER_ERROR: 1 }, 5, 4)).toEqual({
    no_customer: '10 %',
    negative: '2 %',
    bad_number: '5 %',
    USER_ERROR: '5 %',
  })
})

test('no limit is named where a rule is called like a broken contract', () => {
  expect(limits({ no_customer: 3, blank: 2, bad_number: 4, USER_ERROR: 1 }, 5, 4)).toEqual({
    no_customer: '10 %',
    blank: undefined,
    bad_number: undefined,
    USER_ERROR: undefined,
  })
})
