/** Every code block of every page is compiled and run as it stands there. `npm run docs:update` writes down what commands say now. */
import { spawn } from 'node:child_process'
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import type { Block, Page } from './blocks.ts'
import { readPage } from './blocks.ts'
import { escapePattern } from './compare.ts'
import { makeEnvironment, ROOT } from './environment.ts'
import { fileOf, runPage } from './page-run.ts'
import { updated } from './update.ts'

const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'packages/*/README.md',
  'bench/README.md',
  'examples/*/README.md',
  'docs/**/*.md',
]
const GENERATED = ['docs/reference/api/**', 'docs/.vitepress/**']
const ONLY = process.env['DOCS_ONLY'] ?? ''

/** Their docstrings are pages of the reference. */
const SOURCES = 'packages/batchwright/src/{job,testing,kernel}/*.ts'

const pages = [...globSync(PAGES, { cwd: ROOT, exclude: GENERATED }), ...globSync(SOURCES, { cwd: ROOT })]
  .filter((page) => page.includes(ONLY))
  .sort()
  .map((page) => readPage(page, textOf(page)))
const environment = makeEnvironment()

/** Of source code, what its docstrings say, at the lines where they say it. */
function textOf(page: string): string {
  const text = readFileSync(path.join(ROOT, page), 'utf8')
  if (!page.endsWith('.ts')) return text
  return Array.from(text.split('\n'), (line) => /^\s*\* ?(.*)$/.exec(line)?.[1] ?? '').join('\n')
}

/** Those that have blocks; the long ones are not begun last. */
function longestFirst(all: readonly Page[]): readonly Page[] {
  return all
    .filter(({ blocks }) => blocks.length > 0)
    .toSorted((left, right) => right.blocks.length - left.blocks.length)
}

describe('what a page shows is what happens', { timeout: 120_000 }, () => {
  test.concurrent('every block of TypeScript compiles in the strictest settings', async () => {
    const folder = path.join(environment.folder, 'types')
    const lines = pages.flatMap((page) => writeVersions(folder, page))
    mkdirSync(folder, { recursive: true })
    writeFileSync(path.join(folder, 'empty.ts'), 'export {}')
    const config = {
      extends: path.join(ROOT, 'tsconfig.json'),
      compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
      include: ['types'],
    }
    writeFileSync(path.join(environment.folder, 'tsconfig.json'), JSON.stringify(config))
    const tsc = path.join(ROOT, 'node_modules/.bin/tsc')
    const { stdout } = spawn(tsc, ['-p', 'tsconfig.json'], {
      cwd: environment.folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    expect(inPages(await text(stdout), lines)).toBe('')
  })

  test.concurrent.for(longestFirst(pages))('$page', async (page) => {
    let mistakes = await runPage(environment, page)
    if (process.env['DOCS_UPDATE'] !== undefined && mistakes.some(({ said }) => said !== null)) {
      const file = path.join(ROOT, page.page)
      writeFileSync(file, updated(readFileSync(file, 'utf8'), mistakes))
      mistakes = mistakes.filter(({ said }) => said === null)
    }
    expect(mistakes.map(({ line, message }) => `${page.page}:${line}: ${message}`).join('\n\n')).toBe('')
  })
})

interface Written {
  readonly file: string
  readonly page: string
  readonly line: number
}

/** A page may show a file more than once, as it grows: each state of the page's project is compiled. */
function writeVersions(folder: string, { page, blocks, project }: Page): readonly Written[] {
  const code = blocks.filter(({ kind, language, wrong }) => kind === 'file' && language === 'ts' && !wrong)
  const states = [new Map<string, Block>()]
  for (const block of code) {
    const state = states.at(-1)
    if (state?.has(fileOf(block)) === true) states.push(new Map([...state, [fileOf(block), block]]))
    else state?.set(fileOf(block), block)
  }
  if (code.length === 0) return []
  return states.flatMap((state, index) => {
    const place = path.join('types', page.replace(/\.(?:md|ts)$/, ''), String(index))
    if (project !== null) environment.copyProject(project, path.join(environment.folder, place))
    return [...state].map(([file, { line, text }]) => {
      const written = path.join(place, file)
      mkdirSync(path.dirname(path.join(folder, '..', written)), { recursive: true })
      writeFileSync(path.join(folder, '..', written), `${text}\n`)
      return { file: written, page, line }
    })
  })
}

/** The compiler's complaints with the page's name and line in the place of the file's. */
function inPages(complaints: string, written: readonly Written[]): string {
  return written.reduce(
    (text, { file, page, line }) =>
      text.replace(
        new RegExp(`^${escapePattern(file)}\\((\\d+),`, 'gm'),
        (_, at: string) => `${page}:${line + Number(at)} (`,
      ),
    complaints,
  )
}
