import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { TEMPLATE_NAMES } from '../declare/beginning.ts'
import { packageManagerOf } from './package-manager.ts'
import { place, planPlacing } from './placing.ts'
import type { Placing } from './placing.ts'
import { filesOf, templateNamed, TEMPLATES } from './templates.ts'

const WISHES = { folderName: 'shop', version: '0.1.0', scripts: { start: 'batchwright run orders' } }
const FILES = await filesOf(templateNamed('basic'), packageManagerOf(undefined, []))

let folder: string

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'batchwright-init-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

async function init(): Promise<Placing> {
  const placing = planPlacing(folder, FILES, WISHES)
  await place(folder, placing)
  return placing
}

const text = (file: string): string => readFileSync(path.join(folder, file), 'utf8')
const write = (file: string, content: string): void => {
  writeFileSync(path.join(folder, file), content)
}

describe('a project in a folder', () => {
  test('everything is made in an empty one, the input the same every time', async () => {
    const { made } = await init()
    expect(made.map((file) => file.path)).toEqual([
      '.github/workflows/ci.yml',
      'README.md',
      'batchwright.config.json',
      'in/orders.csv',
      'jobs/orders.ts',
      'scripts/making.ts',
      'scripts/sample.ts',
      'tests/orders.test.ts',
      'tsconfig.json',
    ])
    const again = await filesOf(templateNamed('basic'), packageManagerOf(undefined, []))
    expect(again).toEqual(FILES)
    expect(text('in/orders.csv').split('\n').length).toBeGreaterThan(1000)
  })

  test('made twice it is the same, and nothing is written', async () => {
    await init()
    const { made, completed, same, kept } = await init()
    expect({ made, completed, kept }).toEqual({ made: [], completed: [], kept: [] })
    expect(same).toHaveLength(FILES.length - 1)
  })

  test('a file of one’s own is never written over: it is named, and nothing else is written', async () => {
    await mkdir(path.join(folder, 'jobs'))
    write('jobs/orders.ts', 'mine')
    expect(() => planPlacing(folder, FILES, WISHES)).toThrow(
      expect.objectContaining({
        code: 'INIT_FILES_EXIST',
        message: `expected to make new files in ${folder}, found other ones of these names there: jobs/orders.ts`,
      }),
    )
    expect(text('jobs/orders.ts')).toBe('mine')
  })

  test('a file that somebody makes between plan and placing stays', async () => {
    const placing = planPlacing(folder, FILES, WISHES)
    write('README.md', 'mine')
    await expect(place(folder, placing)).rejects.toMatchObject({ code: 'INIT_FILES_EXIST' })
    expect(text('README.md')).toBe('mine')
  })

  test('a README and a tsconfig that are there are kept; .gitignore gets the lines that it lacks', async () => {
    write('README.md', 'mine')
    write('tsconfig.json', '{}')
    write('.gitignore', '/node_modules\n*.log')
    const { kept, completed } = await init()
    expect(kept).toEqual(['README.md', 'tsconfig.json'])
    expect(text('.gitignore')).toBe('/node_modules\n*.log\n.batchwright/\nout/\n')
    expect(completed[0]).toMatchObject({ path: '.gitignore', changes: ['.batchwright/', 'out/'] })
    expect(text('README.md')).toBe('mine')
  })

  test('a package.json that says CommonJS is changed where there is no code yet, as npm init leaves it, else refused', async () => {
    const commonJs = '{ "type": "commonjs" }'
    write('package.json', commonJs)
    await init()
    expect(JSON.parse(text('package.json'))).toMatchObject({ type: 'module' })
    write('package.json', commonJs)
    write('index.js', 'module.exports = 1')
    expect(() => planPlacing(folder, FILES, WISHES)).toThrow(expect.objectContaining({ code: 'INIT_COMMONJS' }))
    expect(text('package.json')).toBe(commonJs)
  })

  test('a package.json that is no JSON object is refused with its name', () => {
    write('package.json', '[]')
    expect(() => planPlacing(folder, FILES, WISHES)).toThrow(expect.objectContaining({ code: 'INIT_PACKAGE_INVALID' }))
  })
})

test('the templates of the command line are those that there are', () => {
  expect(TEMPLATES.map((template) => template.name)).toEqual([...TEMPLATE_NAMES])
})
