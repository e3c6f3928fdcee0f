/**
 * Makes the package ready to be packed, and afterwards the repository what it was. `npm pack` and `npm publish` call it.
 *
 *   node pack.mjs before    builds dist/ as it is shipped, and takes out of package.json what only the repository needs
 *   node pack.mjs after     puts package.json back
 *
 * Shipped code has no source maps: their sources are not shipped. Types are those that the exports lead to, and no others.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(fileURLToPath(import.meta.url))
const manifest = path.join(root, 'package.json')
const original = path.join(root, 'dist', 'package.json.original')

if (process.argv[2] === 'before') {
  restore() // an earlier packing may have been killed between the two
  for (const what of ['--no-maps', '--types']) run('build.mjs', what)
  copyFileSync(manifest, original)
  writeFileSync(manifest, `${JSON.stringify(shipped(JSON.parse(readFileSync(manifest, 'utf8'))), null, 2)}\n`)
} else if (process.argv[2] === 'after') {
  restore()
} else {
  throw new Error('expected before or after')
}

function restore() {
  if (!existsSync(original)) return
  copyFileSync(original, manifest)
  rmSync(original)
}

function run(file, argument) {
  const { status } = spawnSync(process.execPath, [path.join(root, file), argument], { stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error(`${file} ${argument} failed`)
}

/** Without the way to the source, which is not in the package, and without the scripts that pack it. */
function shipped({ scripts, ...content }) {
  const entries = Object.entries(content.exports).map(([name, target]) => {
    if (typeof target === 'string') return [name, target]
    const { 'batchwright-source': source, ...conditions } = target
    return [name, conditions]
  })
  return { ...content, exports: Object.fromEntries(entries) }
}
