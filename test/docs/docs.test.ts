/** What the README and the guide show is type-checked and run as it stands there. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { makeProject } from '../../packages/batchwright/src/cli/fixtures/project.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const DAY = '2026-03-01'

/** The first block of TypeScript of a page. */
function firstBlock(page: string): string {
  const [, block] = /```ts\n([\s\S]*?)```/.exec(readFileSync(path.join(ROOT, page), 'utf8')) ?? []
  if (block === undefined) throw new Error(`${page}: expected a block of TypeScript`)
  return block
}

/** A folder inside the repository, where the package can be found. */
const folder = mkdtempSync(path.join(ROOT, 'node_modules', '.docs-'))
mkdirSync(path.join(folder, 'jobs'))
mkdirSync(path.join(folder, 'test'))
writeFileSync(path.join(folder, 'jobs/clean-orders.ts'), firstBlock('README.md'))
writeFileSync(path.join(folder, 'jobs/guide.ts'), firstBlock('docs/guide/a-job.md'))
writeFileSync(path.join(folder, 'test/clean-orders.test.ts'), firstBlock('docs/guide/testing.md'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})

function inRepository(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(path.join(ROOT, 'node_modules/.bin', command), args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, VITEST: '', NO_COLOR: '1' },
  })
  return status === 0 ? 'passed' : `${stdout}${stderr}`
}

test('every block type-checks in the strictest settings', () => {
  const config = { extends: path.join(ROOT, 'tsconfig.json'), include: ['jobs', 'test'] }
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(config))
  expect(inRepository('tsc', ['-p', 'tsconfig.json'])).toBe('passed')
})

test('the tests of the guide pass', () => {
  const resolve = { conditions: ['batchwright-source'] }
  const config = { resolve, ssr: { resolve }, test: { include: ['test/*.test.ts'], exclude: [] } }
  writeFileSync(path.join(folder, 'vitest.config.js'), `export default ${JSON.stringify(config)}`)
  expect(inRepository('vitest', ['run', '--root', folder])).toBe('passed')
})

describe.each([
  ['README.md', 'order,customer,price\nA1,7,1.50\nA2,,2.00\n', 'A1,7,1.50'],
  [
    'docs/guide/a-job.md',
    'order,placed,customer,price\nA1,2026-03-01,7,1.50\nA2,2026-03-01,,2.00\n',
    'A1,2026-03-01,7,1.50',
  ],
])('the job of %s', (page, input, published) => {
  test('runs, publishes what it accepts, and sets the rest aside', async () => {
    const project = makeProject({ 'jobs/clean-orders.ts': firstBlock(page), [`in/${DAY}.csv`]: input })
    const run = await project.cli('run', 'clean-orders', '--window', DAY)
    expect(run.code, run.stderr).toBe(0)
    const cat = await project.cli('datasets', 'cat', 'good_orders', '--window', DAY, '--format', 'csv')
    expect(cat.stdout.trim().split('\n').slice(1)).toEqual([published])
    const letters = await project.cli('dead-letters', 'list', 'latest')
    expect(letters.stdout).toContain('missing_customer')
    rmSync(project.folder, { recursive: true })
  })
})
