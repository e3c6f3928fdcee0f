/** What it costs to install the package: seconds, packages, megabytes. As npm does it, with an empty cache and with a warm one. */
import { globSync, mkdirSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { command, pack, temporaryFolder } from '../../test/package/packing.ts'

interface Figures {
  readonly packedKb: number
  readonly unpackedKb: number
  readonly files: number
  /** Packages that npm installs, Batchwright itself included. */
  readonly packages: number
  readonly installedMb: number
  readonly coldSeconds: number
  readonly warmSeconds: number
  /** Packages whose install scripts npm would run if it were allowed to. */
  readonly scripts: readonly string[]
}

/** `npm run bench -- package [--json]` */
export async function packageBenchmark(args: readonly string[]): Promise<void> {
  const folder = temporaryFolder()
  try {
    const figures = await measured(folder)
    console.log(args.includes('--json') ? JSON.stringify(figures, null, 2) : lines(figures).join('\n'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measured(folder: string): Promise<Figures> {
  const { tarball, files } = await pack(path.join(folder, 'repository'))
  const cache = path.join(folder, 'cache')
  const coldSeconds = await install(path.join(folder, 'cold'), tarball, cache)
  const project = path.join(folder, 'warm')
  const warmSeconds = await install(project, tarball, cache)
  const modules = path.join(project, 'node_modules')
  const own = path.join(modules, 'batchwright')
  return {
    packedKb: Math.round(statSync(tarball).size / 1000),
    unpackedKb: Math.round(bytesIn(own) / 1000),
    files: files.length,
    packages: globSync(['*/package.json', '@*/*/package.json'], { cwd: modules }).length,
    installedMb: Math.round(bytesIn(modules) / 100_000) / 10,
    coldSeconds,
    warmSeconds,
    scripts: await scriptsOf(project),
  }
}

/** Seconds of `npm install` in an empty folder. No script of any package runs, so that nothing can need a compiler. */
async function install(project: string, tarball: string, cache: string): Promise<number> {
  mkdirSync(project)
  const started = performance.now()
  await command(project, 'npm', 'install', '--ignore-scripts', '--cache', cache, tarball)
  return Math.round((performance.now() - started) / 100) / 10
}

async function scriptsOf(project: string): Promise<readonly string[]> {
  const { stdout } = await command(project, 'npm', 'query', ':attr(scripts, [install]), :attr(scripts, [postinstall])')
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- npm's own report
  return (JSON.parse(stdout) as { readonly name: string }[]).map(({ name }) => name)
}

function bytesIn(folder: string): number {
  const entries = globSync('**/*', { cwd: folder, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(path.join(entry.parentPath, entry.name)).size, 0)
}

function lines(figures: Figures): readonly string[] {
  return [
    `packed      ${figures.packedKb} kB, ${figures.files} files`,
    `unpacked    ${figures.unpackedKb} kB`,
    `installed   ${figures.installedMb} MB, ${figures.packages} packages`,
    `npm install ${figures.coldSeconds} s with an empty cache, ${figures.warmSeconds} s with a warm one`,
    `scripts     ${figures.scripts.join(', ') || 'none'}: not run, not needed`,
  ]
}
