/** A folder with the package as it is shipped, and below it one project for each page. */
import { spawn } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll } from 'vitest'
import { CLI } from '../../packages/batchwright/src/cli/fixtures/project.ts'

export const ROOT = path.resolve(import.meta.dirname, '../..')

const PACKAGE = path.join(ROOT, 'packages/batchwright')
/** What a user would have installed beside Batchwright. */
const INSTALLED = ['vitest', 'typescript', '@types', '@duckdb', 'zod', 'vite']

export interface Environment {
  readonly folder: string
  /** An empty project, or a copy of one of test/docs/projects. */
  makeProject(name: string, copyOf: string | null): string
  copyProject(copyOf: string, folder: string): void
}

/** Makes the folder; it goes when the test file has ended. */
export function makeEnvironment(): Environment {
  const folder = mkdtempSync(path.join(tmpdir(), 'batchwright-docs-'))
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  })
  installPackage(path.join(folder, 'node_modules/batchwright'))
  for (const name of INSTALLED)
    symlinkSync(path.join(ROOT, 'node_modules', name), path.join(folder, 'node_modules', name))
  writePrograms(path.join(folder, 'node_modules/.bin'))
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  const copyProject = (copyOf: string, project: string): void => {
    cpSync(path.join(import.meta.dirname, 'projects', copyOf), project, { recursive: true })
  }
  return {
    folder,
    copyProject,
    makeProject: (name, copyOf) => {
      const project = path.join(folder, name.replace(/\.(?:md|ts)$/, ''))
      mkdirSync(project, { recursive: true })
      symlinkSync(path.join(folder, 'node_modules'), path.join(project, 'node_modules'))
      if (copyOf !== null) copyProject(copyOf, project)
      return project
    },
  }
}

/** The built package under its own name; its types are read from the source. */
function installPackage(folder: string): void {
  mkdirSync(folder, { recursive: true })
  symlinkSync(path.dirname(CLI), path.join(folder, 'dist'))
  symlinkSync(path.join(PACKAGE, 'src'), path.join(folder, 'src'))
  const manifest: unknown = JSON.parse(readFileSync(path.join(PACKAGE, 'package.json'), 'utf8'))
  const exports = {
    '.': { types: './src/index.ts', default: './dist/index.js' },
    './testing': { types: './src/testing/index.ts', default: './dist/testing.js' },
    './package.json': './package.json',
  }
  const written = { ...(typeof manifest === 'object' ? manifest : {}), exports }
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify(written))
}

/** The programs that pages call. Nothing is installed, since all is there: `npm install` and `npm ci` do nothing. */
function writePrograms(folder: string): void {
  mkdirSync(folder, { recursive: true })
  const bin = (name: string): string => path.join(ROOT, 'node_modules/.bin', name)
  const programs = {
    node: `exec '${process.execPath}' "$@"`,
    batchwright: `exec '${process.execPath}' '${CLI}' "$@"`,
    npx: 'exec "$@"',
    npm: `case "$1" in install | ci | init) exit 0 ;; *) PATH="\${PATH#*:}" exec npm "$@" ;; esac`,
    tsc: `exec '${bin('tsc')}' "$@"`,
    vitest: `exec '${bin('vitest')}' "$@"`,
  }
  for (const [name, line] of Object.entries(programs)) {
    writeFileSync(path.join(folder, name), `#!/bin/sh\n${line}\n`)
    chmodSync(path.join(folder, name), 0o755)
  }
}

export interface Said {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A shell in a project. It keeps its folder from command to command, and nothing else. */
export class Shell {
  readonly #project: string
  readonly #programs: string
  #folder: string

  constructor(environment: Environment, project: string) {
    this.#project = project
    this.#folder = project
    this.#programs = path.join(environment.folder, 'node_modules/.bin')
  }

  /** What it printed, with the project's folder as `/project`. */
  async run(command: string): Promise<Said> {
    const marker = `${this.#project}.folder`
    const script = `trap "pwd >'${marker}'" EXIT\n${command}`
    const child = spawn('bash', ['-c', script], {
      cwd: this.#folder,
      env: {
        PATH: [this.#programs, process.env['PATH']].join(':'),
        HOME: this.#project,
        NO_COLOR: '1',
        COLUMNS: '100',
        TZ: 'UTC',
        LC_ALL: 'C.UTF-8',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
    })
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', resolve)
    })
    this.#folder = readFileSync(marker, 'utf8').trim()
    const shown = (text: string): string => text.replaceAll(this.#project, '/project')
    return { exitCode, stdout: shown(stdout), stderr: shown(stderr) }
  }
}
