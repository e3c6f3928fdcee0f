/** Packs the package as `npm pack` does, and installs it as somebody new would: real npm, real folders. */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const REPOSITORY = path.join(import.meta.dirname, '../..')
const NEEDED = ['bin', 'src', 'templates', 'build.mjs', 'pack.mjs', 'package.json', 'tsconfig.build.json']

export interface Packed {
  readonly tarball: string
  /** Paths in the package. */
  readonly files: readonly string[]
}

export interface Finished {
  readonly stdout: string
  readonly stderr: string
}

const run = promisify(execFile)

/** Runs a command in a folder, as a fresh shell would whose Node is this one. Throws with what it said where it fails. */
export async function command(folder: string, name: string, ...args: readonly string[]): Promise<Finished> {
  try {
    return await run(name, args, { cwd: folder, env: environment(), maxBuffer: 64 * 1024 * 1024 })
  } catch (thrown) {
    const said = (['stdout', 'stderr'] as const).map((stream) => String(Reflect.get(Object(thrown), stream)))
    throw new Error(`${[name, ...args].join(' ')} failed in ${folder}\n${said.join('\n')}`, { cause: thrown })
  }
}

/** Without what the npm that runs these tests tells its children: they are not its children. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^npm_(lifecycle|package|command|execpath|node_execpath|config_(local_prefix|user_agent))/.test(name),
  )
  const folders = [path.dirname(process.execPath), process.env['PATH'] ?? '']
  return {
    ...Object.fromEntries(kept),
    PATH: folders.join(path.delimiter),
    NODE_OPTIONS: '',
    VITEST: '',
    NO_COLOR: '1',
  }
}

export function temporaryFolder(): string {
  return mkdtempSync(path.join(tmpdir(), 'batchwright-package-'))
}

/** Packs a copy of the package, so that the repository's own dist/ and package.json are left alone. */
export async function pack(folder: string): Promise<Packed> {
  const copy = path.join(folder, 'packages/batchwright')
  mkdirSync(copy, { recursive: true })
  for (const name of [...NEEDED, 'README.md', 'LICENSE']) {
    cpSync(path.join(REPOSITORY, 'packages/batchwright', name), path.join(copy, name), { recursive: true })
  }
  cpSync(path.join(REPOSITORY, 'tsconfig.json'), path.join(folder, 'tsconfig.json'))
  symlinkSync(path.join(REPOSITORY, 'node_modules'), path.join(folder, 'node_modules'))
  const { stdout } = await command(copy, 'npm', 'pack', '--json')
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- npm's own report
  const [report] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[]
  if (report === undefined) throw new Error(`npm pack reported nothing:\n${stdout}`)
  return { tarball: path.join(copy, report.filename), files: report.files.map((file) => file.path) }
}
