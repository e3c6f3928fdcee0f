/** The project's own TypeScript, run over its jobs. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { isJsonObject } from '../json.ts'
import type { JsonValue } from '../../kernel/errors.ts'

export interface TypeProblem {
  /** Relative to the project. */
  readonly file: string
  /** From 1; 0 where the problem is about no line. */
  readonly line: number
  readonly column: number
  /** `TS2322`. */
  readonly code: string
  readonly message: string
}

export type TypesReport =
  | { readonly state: 'checked'; readonly version: string; readonly problems: readonly TypeProblem[] }
  /** `typescript` is not installed in the project, or did not run: why. */
  | { readonly state: 'unchecked'; readonly why: string; readonly hint: string }

export interface TypesRequest {
  readonly projectFolder: string
  /** Absolute: checked where the project has no tsconfig.json. */
  readonly jobFiles: readonly string[]
  /** Absolute file that keeps what TypeScript knows from one check to the next; null for none. */
  readonly buildInfo: string | null
  readonly signal?: AbortSignal
}

/** Without a tsconfig.json: how job files are meant. Node itself reads them, so what it cannot strip is refused. */
const DEFAULTS = [
  '--strict',
  '--target',
  'esnext',
  '--module',
  'nodenext',
  '--skipLibCheck',
  '--allowImportingTsExtensions',
]

/** Type-checks the project with its own `typescript`. Null where the signal was aborted. */
export async function checkTypes(request: TypesRequest): Promise<TypesReport | null> {
  const { projectFolder, jobFiles } = request
  const compiler = findCompiler(projectFolder)
  if (compiler === null) {
    return {
      state: 'unchecked',
      why: 'typescript is not installed in this project',
      hint: 'npm install --save-dev typescript',
    }
  }
  const configured = existsSync(path.join(projectFolder, 'tsconfig.json'))
  const typed = jobFiles.filter((file) => /\.m?ts$/.test(file))
  if (!configured && typed.length === 0) {
    return {
      state: 'unchecked',
      why: 'no job is written in TypeScript',
      hint: 'name a job file .ts to have it checked',
    }
  }
  const { buildInfo } = request
  const args = [
    compiler.script,
    '--noEmit',
    '--pretty',
    'false',
    ...(buildInfo === null ? [] : ['--incremental', '--tsBuildInfoFile', buildInfo]),
    ...(configured ? ['-p', 'tsconfig.json'] : [...defaultsFor(compiler, projectFolder), ...typed]),
  ]
  const ended = await run(args, projectFolder, request.signal)
  if (ended === null) return null
  const problems = readProblems(ended.output)
  if (ended.code !== 0 && problems.length === 0) {
    const [first = 'it said nothing'] = ended.output.trim().split('\n')
    return { state: 'unchecked', why: `tsc did not work: ${first}`, hint: 'run `npx tsc --noEmit` to see more' }
  }
  return { state: 'checked', version: compiler.version, problems }
}

/** From 6 on a tsconfig.json in a folder above is an error where files are named, and no types are taken unasked. */
function defaultsFor({ version }: Compiler, projectFolder: string): readonly string[] {
  if (Number(version.split('.')[0]) < 6) return DEFAULTS
  const node = resolvedFrom(projectFolder, '@types/node/package.json')
  return [...DEFAULTS, '--ignoreConfig', ...(node === null ? [] : ['--types', 'node'])]
}

interface Compiler {
  readonly script: string
  readonly version: string
}

function findCompiler(projectFolder: string): Compiler | null {
  const manifest = resolvedFrom(projectFolder, 'typescript/package.json')
  if (manifest === null) return null
  const json = parsed(readFileSync(manifest, 'utf8'))
  const bin = isJsonObject(json) && isJsonObject(json['bin']) ? json['bin']['tsc'] : undefined
  const version = isJsonObject(json) ? json['version'] : undefined
  if (typeof version !== 'string' || typeof bin !== 'string') return null
  return { script: path.resolve(path.dirname(manifest), bin), version }
}

/** A file of a package as Node would find it from the project's folder; null where it is not installed. */
function resolvedFrom(projectFolder: string, name: string): string | null {
  try {
    return createRequire(path.join(projectFolder, 'package.json')).resolve(name)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND') return null
    throw error
  }
}

function parsed(text: string): JsonValue {
  // Whatever JSON says is a JSON value.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
  return JSON.parse(text) as JsonValue
}

function run(
  args: readonly string[],
  folder: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly code: number | null; readonly output: string } | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    }
    const stop = (): void => {
      child.kill('SIGKILL')
    }
    if (signal?.aborted === true) stop()
    signal?.addEventListener('abort', stop, { once: true })
    child.once('error', reject)
    child.once('close', (code) => {
      signal?.removeEventListener('abort', stop)
      resolve(signal?.aborted === true ? null : { code, output })
    })
  })
}

/** `jobs/a.ts(12,5): error TS2322: Type ...`, with its further lines indented below. */
export function readProblems(output: string): readonly TypeProblem[] {
  const problems: (TypeProblem & { message: string })[] = []
  for (const line of output.split(/\r?\n/)) {
    const [, file, row, column, code, message] = /^(?:(.+?)\((\d+),(\d+)\): )?error (TS\d+): (.*)$/.exec(line) ?? []
    const last = problems.at(-1)
    if (code !== undefined && message !== undefined) {
      problems.push({ file: file ?? '', line: Number(row ?? 0), column: Number(column ?? 0), code, message })
    } else if (last !== undefined && /^\s+\S/.test(line)) last.message += `\n${line}`
  }
  return problems
}
