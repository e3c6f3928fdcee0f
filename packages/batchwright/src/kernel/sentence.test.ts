import { expect, test } from 'vitest'
import { sentence } from './sentence.ts'

test.each([
  ['did you mean --slots?', 'Did you mean --slots?'],
  ['see `batchwright --help`', 'See `batchwright --help`.'],
  ['`batchwright runs` lists them', '`batchwright runs` lists them.'],
  ["steps.function('send', ...), or a timeout for the job", "steps.function('send', ...), or a timeout for the job."],
  ['slots.count is too high', 'slots.count is too high.'],
  ['Mend the file.', 'Mend the file.'],
])('%s', (text, told) => {
  expect(sentence(text)).toBe(told)
})
