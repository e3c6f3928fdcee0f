import { expect, test } from 'vitest'
import type { TaskNames } from './hints.ts'
import { namedIn } from './hints.ts'

const NAMES = { runId: 'r1', job: 'billing', windowKey: '2026-03', step: 'rate', index: 2 }
const hinted = (hint: string, names: TaskNames = NAMES): string | undefined =>
  namedIn({ code: 'X', message: 'm', hint, retryable: false }, names).hint

test('commands in a hint get the names of the run, the job, the window, the step and the partition', () => {
  expect(
    hinted('Do `batchwright retry RUN --step STEP --partition PARTITION`, or `batchwright rerun JOB --window WINDOW`.'),
  ).toBe('Do `batchwright retry r1 --step rate --partition 2`, or `batchwright rerun billing --window 2026-03`.')
})

test('words outside of commands stay as they are, and so do commands of names that there are not', () => {
  expect(hinted('Set RUN where it starts.')).toBe('Set RUN where it starts.')
  expect(hinted('`batchwright retry RUN --partition PARTITION`', { ...NAMES, index: null })).toBe(
    '`batchwright retry r1 --partition PARTITION`',
  )
})

test('a run without a window is not told to give one', () => {
  const names = { ...NAMES, windowKey: null }
  expect(
    namedIn({ code: 'X', message: 'm', hint: '`batchwright rerun JOB --window WINDOW`', retryable: false }, names).hint,
  ).toBe('`batchwright rerun billing`')
  expect(namedIn({ code: 'X', message: 'm', retryable: false }, names).hint).toBeUndefined()
})
