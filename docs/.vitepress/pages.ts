/** Which files of the repository are pages of the site, where they stand in it, and in which order they are listed. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { DefaultTheme } from 'vitepress'

export const ROOT = path.resolve(import.meta.dirname, '../..')

/** Pages outside docs/, and where the site has them. */
const ELSEWHERE: readonly (readonly [RegExp, string])[] = [
  [/^CONTRIBUTING\.md$/, 'contributing.md'],
  [/^bench\/README\.md$/, 'benchmarks.md'],
  [/^examples\/([a-z-]+)\/README\.md$/, 'examples/$1.md'],
]

/** Where the site has a file of the repository; null where it is no page. */
export function pageOf(file: string): string | null {
  if (file.startsWith('docs/.vitepress/')) return null
  if (file.startsWith('docs/') && file.endsWith('.md')) {
    return file.slice('docs/'.length).replace(/(^|\/)README\.md$/, '$1index.md')
  }
  const [pattern, page] = ELSEWHERE.find(([each]) => each.test(file)) ?? []
  return pattern === undefined || page === undefined ? null : file.replace(pattern, page)
}

/** Folders in which no page lies. */
export const NO_PAGES = [
  'README.md',
  'packages/**',
  'test/**',
  'lint/**',
  'docs/.vitepress/**',
  '**/node_modules/**',
  '**/out/**',
  '**/.batchwright/**',
]

type Item = DefaultTheme.SidebarItem

/** Pages of a folder: those that are named, in that order, then the others by title. */
function folder(name: string, order: readonly string[] = []): Item[] {
  const files = globSync(`docs/${name}/*.md`, { cwd: ROOT }).filter((file) => !/README\.md$|\/index\.md$/.test(file))
  const rank = (file: string): number => {
    const at = order.indexOf(path.basename(file, '.md'))
    return at === -1 ? order.length : at
  }
  return files
    .map((file) => ({ rank: rank(file), item: item(file) }))
    .toSorted((left, right) => left.rank - right.rank || text(left.item).localeCompare(text(right.item)))
    .map((each) => each.item)
}

function item(file: string): Item {
  return { text: titleOf(file), link: `/${(pageOf(file) ?? '').replace(/(index)?\.md$/, '')}` }
}

function text({ text: shown = '' }: Item): string {
  return shown
}

/** Files that are there: a page may be added before or after it is listed. */
function pages(...files: readonly string[]): Item[] {
  return files.filter((file) => existsSync(path.join(ROOT, file))).map(item)
}

/** The first heading of a page, without its mark-up; of a type without its parameters. The theme takes it for HTML. */
function titleOf(file: string): string {
  const [, title = path.basename(file, '.md')] = /^# (.+)$/m.exec(readFileSync(path.join(ROOT, file), 'utf8')) ?? []
  const shown = file.startsWith('docs/reference/api/') ? title.replace(/\\?<.*$/, '') : title
  return shown
    .replace(/[`*\\]/g, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
}

/** Functions and values are what one looks for; types are many, and folded away. */
function reference(module: string): Item[] {
  const of = (...kinds: readonly string[]): Item[] =>
    kinds
      .flatMap((kind) => folder(`reference/api/${module}/${kind}`))
      .toSorted((left, right) => text(left).localeCompare(text(right)))
  return [
    ...of('functions', 'variables', 'classes'),
    { text: 'Types', collapsed: true, items: of('interfaces', 'type-aliases') },
  ]
}

/** Guides in the order in which one needs them. */
const GUIDES = [
  'a-job',
  'etl',
  'billing',
  'fan-out',
  'named-outputs',
  'lookups',
  'file-outputs',
  'services',
  'limits',
  'pools',
  'effects',
  'http-sink',
  'dev-and-check',
  'testing',
  'publication',
  'restart',
  'dead-letters',
  'errors',
  'finding-out',
  'debugging',
]

const CONCEPTS = [
  'job',
  'run',
  'window',
  'step',
  'partition',
  'task',
  'checkpoint',
  'dead-letter',
  'source-and-sink',
  'dataset',
  'contract',
  'snapshot',
  'publication',
  'service',
  'worker',
  'code-version',
]

export function sidebar(): Item[] {
  return [
    {
      text: 'Start here',
      items: pages('docs/README.md', 'docs/tutorial/README.md', 'docs/coming-from.md'),
    },
    { text: 'Guides', collapsed: false, items: folder('guide', GUIDES) },
    {
      text: 'Concepts',
      collapsed: true,
      items: [...pages('docs/concepts/README.md'), ...folder('concepts', CONCEPTS)],
    },
    {
      text: 'Reference',
      collapsed: false,
      items: [
        { ...item('docs/reference/cli.md'), collapsed: true, items: folder('reference/cli') },
        { text: 'batchwright', link: '/reference/api/batchwright/', collapsed: true, items: reference('batchwright') },
        { text: 'batchwright/testing', link: '/reference/api/testing/', collapsed: true, items: reference('testing') },
        ...folder('reference').filter(({ link }) => link !== '/reference/cli'),
      ],
    },
    {
      text: 'Examples',
      collapsed: true,
      items: pages(...globSync('examples/*/README.md', { cwd: ROOT }).toSorted()),
    },
    {
      text: 'Running it',
      collapsed: true,
      items: [...pages('docs/operations/README.md'), ...folder('operations'), ...pages('bench/README.md')],
    },
    {
      text: 'The project',
      collapsed: true,
      items: [
        ...pages('CONTRIBUTING.md', 'docs/writing-pages.md'),
        { ...item('docs/decisions/README.md'), collapsed: true, items: folder('decisions', decisions()) },
      ],
    },
  ]
}

/** By number, then by name. */
function decisions(): string[] {
  return globSync('docs/decisions/*.md', { cwd: ROOT })
    .map((file) => path.basename(file, '.md'))
    .toSorted()
}
