/**
 * Builds the package into dist/, one flat folder of ES modules for Node 24.
 *
 *   node build.mjs            the JavaScript (a second)
 *   node build.mjs --outdir=D  the JavaScript, into another folder from which the dependencies can be found
 *   node build.mjs --no-maps  the JavaScript without source maps, as it is shipped
 *   node build.mjs --types    the type declarations that the exports lead to, into dist/types
 *
 * Entries are the package's exports, the command line, and every file that is started as a thread of its own. The latter
 * are found by the way they are named in the source, `new URL(... './slot.js', import.meta.url)`, so that none is forgotten:
 * since the folder is flat, that URL is right in every chunk.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = path.dirname(fileURLToPath(import.meta.url))
const source = path.join(root, 'src')
const [, outdir] = /^--outdir=(.+)$/.exec(process.argv.find((each) => each.startsWith('--outdir=')) ?? '') ?? []
const dist = path.resolve(outdir ?? path.join(root, 'dist'))

if (process.argv.includes('--types')) await buildTypes()
else await buildCode()

async function buildCode() {
  const { metafile } = await build({
    entryPoints: entries(),
    outdir: dist,
    entryNames: '[name]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    packages: 'external',
    sourcemap: !process.argv.includes('--no-maps'),
    sourcesContent: false,
    logLevel: 'warning',
    absWorkingDir: root,
    metafile: true,
  })
  removeOthers(Object.keys(metafile.outputs).map((file) => path.resolve(root, file)))
  chmodSync(path.join(dist, 'cli.js'), 0o755)
}

/** What an earlier build left goes last: a process that runs from dist/ meanwhile finds its files until then. */
function removeOthers(built) {
  for (const name of readdirSync(dist)) {
    const file = path.join(dist, name)
    if (name !== 'types' && name !== 'package.json.original' && !built.includes(file)) rmSync(file, { recursive: true })
  }
}

/**
 * One declaration file for each export, and one for what they share: types of the rooms that no export leads to stay at home.
 */
async function buildTypes() {
  const all = path.join(dist, 'types-all')
  const tsc = path.join(root, '../../node_modules/typescript/bin/tsc')
  const options = ['-p', path.join(root, 'tsconfig.build.json'), '--outDir', all]
  const { status } = spawnSync(process.execPath, [tsc, ...options], { stdio: 'inherit' })
  if (status !== 0) throw new Error('the type declarations could not be made')
  const [{ rollup }, { dts }] = await Promise.all([import('rollup'), import('rollup-plugin-dts')])
  const bundle = await rollup({
    input: { index: path.join(all, 'index.d.ts'), testing: path.join(all, 'testing/index.d.ts') },
    external: (name) => !name.startsWith('.') && !path.isAbsolute(name),
    plugins: [dts()],
    onwarn: (warning) => {
      throw new Error(`the type declarations could not be rolled up: ${warning.message}`)
    },
  })
  const types = path.join(dist, 'types')
  rmSync(types, { recursive: true, force: true })
  await bundle.write({
    dir: types,
    entryFileNames: '[name].d.ts',
    chunkFileNames: 'shared.d.ts',
    minifyInternalExports: false,
  })
  rmSync(all, { recursive: true })
}

/** Output name to source file. */
function entries() {
  const found = {
    index: path.join(source, 'index.ts'),
    cli: path.join(source, 'cli/cli.ts'),
    testing: path.join(source, 'testing/index.ts'),
  }
  for (const file of readdirSync(source, { recursive: true })) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue
    const text = readFileSync(path.join(source, file), 'utf8')
    for (const [, name] of text.matchAll(/['"]\.\/([a-z-]+)\.js['"],\s*import\.meta\.url/g)) {
      const thread = path.join(source, path.dirname(file), `${name}.ts`)
      if (found[name] !== undefined && found[name] !== thread) {
        throw new Error(`two thread files are called ${name}.ts (${found[name]}, ${thread}); dist/ is flat: rename one`)
      }
      found[name] = thread
    }
  }
  for (const [name, file] of Object.entries(found)) {
    if (!existsSync(file))
      throw new Error(`the entry ${name} is expected at ${path.relative(root, file)}, and is not there`)
  }
  return found
}
