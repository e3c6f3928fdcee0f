/** The projects that `init` can write: what they are called, and what they are made of. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'esbuild'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { PackageManager } from './package-manager.ts'

export interface Template {
  readonly name: string
  /** One line, for `--help` and the list. */
  readonly description: string
  /** What `npm start` and the first of the next commands run. */
  readonly start: string
  /** Commands worth typing after it, each with what it shows. */
  readonly next: readonly (readonly [command: string, shows: string])[]
}

const REJECTED = ['dead-letters list latest', 'see the rejected rows'] as const

export const TEMPLATES: readonly Template[] = [
  {
    name: 'basic',
    description: 'a dirty CSV file, cleaned and priced',
    start: 'run orders',
    next: [REJECTED, ['datasets cat orders --limit 5', 'open the output']],
  },
  {
    name: 'etl',
    description: 'daily files whose columns change, to daily totals',
    start: 'run daily-sales --window 2026-03-01..2026-03-07',
    next: [REJECTED, ['datasets cat daily_totals --window 2026-03-07', 'open the output']],
  },
  {
    name: 'billing',
    description: 'a month of transactions, to invoices that agree with them to the last digit',
    start: 'run billing --window 2026-02',
    next: [REJECTED, ['datasets cat invoices --window 2026-02 --limit 5', 'open the output']],
  },
  {
    name: 'fan-out',
    description: 'many small images, to thumbnails, several at a time',
    start: 'run thumbnails',
    next: [REJECTED, ['datasets cat catalogue --limit 5', 'open the output']],
  },
  {
    name: 'migration',
    description: 'customers of an old system, validated, carried over and verified',
    start: 'run migration',
    next: [REJECTED, ['datasets cat branches', 'open the output']],
  },
]

export function templateNamed(name: string): Template {
  const found = TEMPLATES.find((template) => template.name === name)
  if (found !== undefined) return found
  throw new TypeError(`there is no template ${name}`)
}

/** A file of a new project. */
export interface NewFile {
  /** From the project's folder, with forward slashes. */
  readonly path: string
  readonly content: Uint8Array
  /** Made by the template's `scripts/sample.ts`. */
  readonly sample: boolean
}

/** What npm would not put into a package, or would obey there, lies in it under another name. */
const SHIPPED_AS: Readonly<Record<string, string>> = { gitignore: '.gitignore', github: '.github' }

/** The files of a template, sorted by path; commands in them are those of the package manager. */
export async function filesOf(template: Template, manager: PackageManager): Promise<readonly NewFile[]> {
  const root = templatesFolder()
  const written = ['common', template.name].flatMap((part) =>
    textFiles(path.join(root, part)).map((file): NewFile => {
      const text = readFileSync(path.join(root, part, file), 'utf8')
      return { path: targetOf(file), content: Buffer.from(manager.speak(text)), sample: false }
    }),
  )
  const samples = Object.entries(await sampleOf(root, template)).map(([file, pieces]): NewFile => ({
    path: file,
    content: whole(pieces),
    sample: true,
  }))
  return [...written, ...samples].sort((left, right) => (left.path < right.path ? -1 : 1))
}

/** Beside dist/ in the package; in the repository the source lies deeper. */
function templatesFolder(): string {
  const places = ['../templates', '../../templates', '../../../templates']
  const found = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((place) => existsSync(place))
  if (found !== undefined) return found
  throw new BatchwrightError({
    code: 'INSTALLATION_INCOMPLETE',
    message: `expected the templates of new projects beside ${fileURLToPath(new URL('.', import.meta.url))}, found none`,
    hint: 'install it anew: `npm install batchwright`',
  })
}

function textFiles(folder: string): readonly string[] {
  return globSync('**/*', { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'))
}

function targetOf(file: string): string {
  const [first = '', ...rest] = file.split('/')
  return [SHIPPED_AS[first] ?? first, ...rest].join('/')
}

type Pieces = Iterable<string | Uint8Array>

/**
 * What the template's `scripts/sample.ts` makes. It is bundled and imported as text, since Node reads no TypeScript below
 * node_modules, where the package lies.
 */
async function sampleOf(root: string, { name }: Template): Promise<Readonly<Record<string, Pieces>>> {
  const { build, stop } = await import('esbuild')
  const result = await build({
    stdin: {
      contents: `export * from './${name}/scripts/sample.ts'`,
      resolveDir: root,
    },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    logLevel: 'silent',
    plugins: [sharedScripts(path.join(root, 'common/scripts'))],
  })
  await stop()
  const text = result.outputFiles[0]?.text ?? ''
  const module: unknown = await import(`data:text/javascript;base64,${Buffer.from(text).toString('base64')}`)
  if (!hasSample(module)) throw new TypeError(`template ${name}: scripts/sample.ts exports no sample()`)
  return module.sample()
}

/** In a project all scripts lie in one folder; here those that the templates share are in another. */
function sharedScripts(folder: string): Plugin {
  return {
    name: 'shared-scripts',
    setup(build) {
      build.onResolve({ filter: /^\.\/making\.ts$/ }, ({ path: file }) => ({ path: path.join(folder, file) }))
    },
  }
}

function hasSample(module: unknown): module is { sample(): Readonly<Record<string, Pieces>> } {
  return typeof module === 'object' && module !== null && 'sample' in module && typeof module.sample === 'function'
}

function whole(pieces: Pieces): Uint8Array {
  return Buffer.concat([...pieces].map((piece) => Buffer.from(piece)))
}
