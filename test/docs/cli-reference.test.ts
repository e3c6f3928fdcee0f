/** The reference of the command line says what the commands say of themselves. */
import { globSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { pagesOfCommands, readPage } from '../../docs/.vitepress/cli-reference.ts'
import { ROOT } from './environment.ts'

const pages = await pagesOfCommands()

test.for([...pages])('%s stands as the commands are declared; `npm run docs:cli` writes it', ([page, expected]) => {
  expect(readPage(page)).toBe(expected)
})

test('no page is left of a command that is gone', () => {
  const written = globSync('cli/*.md', { cwd: path.join(ROOT, 'docs/reference') })
  expect(written.filter((page) => !pages.has(page))).toEqual([])
})
