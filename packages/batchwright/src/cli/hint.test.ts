import { expect, test } from 'vitest'
import { toldHint } from './hint.ts'

test.each([
  [
    "Deliver the file, then `batchwright retry RUN` goes on. Where it may be absent, give the dataset missing: 'skip'.",
    "Deliver the file. Where it may be absent, give the dataset missing: 'skip'.",
  ],
  [
    "Mend the data, then `batchwright rerun JOB --window WINDOW` begins anew. To set such records aside instead, give the step .skip('1%'), then `batchwright retry RUN`.",
    "Mend the data. To set such records aside instead, give the step .skip('1%').",
  ],
  ['Return an object. Then `batchwright retry RUN` goes on. Look again.', 'Return an object. Look again.'],
])('outside a run a hint names no run to go on with: %s', (hint, told) => {
  expect(toldHint(hint)).toBe(told)
})

test('a run that is named is gone on with', () => {
  const hint = 'Deliver the file, then `batchwright retry 01kabc` goes on.'
  expect(toldHint(hint)).toBe(hint)
})

test('what is to be typed keeps the words to be filled in', () => {
  expect(toldHint('type `batchwright run JOB`')).toBe('Type `batchwright run JOB`.')
})
