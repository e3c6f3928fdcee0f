import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { errorsPage, ERRORS_PAGE } from '../../docs/.vitepress/errors-reference.ts'

test('the reference of errors says what the catalogue says: `npm run docs:errors` writes it', async () => {
  expect(readFileSync(ERRORS_PAGE, 'utf8')).toBe(await errorsPage())
})
