import path from 'node:path'
import { format, resolveConfig } from 'prettier'
import { expect, test } from 'vitest'
import { exportsPage } from './exports-page.ts'

const PAGE = path.join(import.meta.dirname, '../../docs/reference/exports.md')

test('the page of exports names what the package exports, each with what it is', async () => {
  const page = await format(exportsPage(), { ...(await resolveConfig(PAGE)), parser: 'markdown' })
  await expect(page).toMatchFileSnapshot(PAGE)
})
