import { expect, test } from 'vitest'
import { BatchwrightError, reportError } from '../kernel/errors.ts'
import { exitCodeOf, failureJson, failureLines, usageError } from './failure.ts'
import { paintNothing } from './render/paint.ts'

const STYLE = { paint: paintNothing, verbose: false, projectFolder: '/home/ann/billing' }

test('an error is printed as what, cause, hint and code, and never with its stack', () => {
  const error = new BatchwrightError({
    code: 'STORE_CORRUPT',
    message: 'the store /p/store.db is damaged',
    hint: 'restore it from a backup',
    cause: new Error('database disk image is malformed'),
  })
  expect(failureLines(reportError(error), STYLE)).toEqual([
    'error: the store /p/store.db is damaged',
    '  cause database disk image is malformed',
    '  hint  Restore it from a backup.',
    '  code  STORE_CORRUPT  (batchwright explain STORE_CORRUPT)',
  ])
})

test("the user's own line is shown where their code threw, also from under our frames", () => {
  const report = {
    code: 'USER_ERROR',
    message: 'boom',
    retryable: false,
    stack: [
      'Error: boom',
      '    at inner (/home/ann/billing/node_modules/lib/index.js:1:1)',
      '    at rate (/home/ann/billing/jobs/billing.ts:12:9)',
      '    at Pipeline.run (file:///opt/batchwright/dist/chunk.js:3:4)',
    ].join('\n'),
  }
  expect(failureLines(report, STYLE)).toContain('  at    jobs/billing.ts:12:9 in rate')
  expect(failureLines({ ...report, stack: report.stack.replace('(/home', '(file:///home') }, STYLE)).toContain(
    '  at    jobs/billing.ts:12:9 in rate',
  )
  expect(failureLines(report, { ...STYLE, verbose: true })).toContain(
    '      at rate (/home/ann/billing/jobs/billing.ts:12:9)',
  )
})

test('as JSON an error has code, message, hint and details', () => {
  const error = usageError({ code: 'JOB_UNKNOWN', message: 'no job is called "x"', details: { given: 'x' } })
  expect(failureJson(reportError(error))).toEqual({
    error: { code: 'JOB_UNKNOWN', message: 'no job is called "x"', hint: null, details: { given: 'x' } },
  })
})

test('what was typed wrongly exits with 2, everything else that goes wrong with 1', () => {
  expect(exitCodeOf(usageError({ code: 'USAGE', message: 'm' }))).toBe(2)
  expect(exitCodeOf(new BatchwrightError({ code: 'WINDOW_INVALID', message: 'm' }))).toBe(2)
  expect(exitCodeOf(new BatchwrightError({ code: 'STORE_CORRUPT', message: 'm' }))).toBe(1)
  expect(exitCodeOf(new Error('boom'))).toBe(1)
})
