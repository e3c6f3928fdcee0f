import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Plugin } from 'esbuild'

const PROVIDED = 'batchwright-provided'

/**
 * `batchwright` in a bundle: a module that takes the library's exports from whoever loads the artifact. Only the names that
 * are imported stay in the bundle, so a library with one more export gives the same bundle.
 */
export function providedLibrary(names: readonly string[]): Plugin {
  return {
    name: PROVIDED,
    setup(build) {
      build.onResolve({ filter: /^batchwright(\/testing)?$/ }, ({ path: name }) => ({
        path: name,
        namespace: PROVIDED,
        sideEffects: false,
      }))
      build.onLoad({ filter: /^batchwright$/, namespace: PROVIDED }, () => ({
        contents: [
          "const take = (name) => globalThis[Symbol.for('batchwright.library')][name]",
          ...names.map((name) => `export const ${name} = /* @__PURE__ */ take('${name}')`),
        ].join('\n'),
      }))
      // The test kit lies above the slots: a job that imports it (beside its tests) finds it only where tests run.
      build.onLoad({ filter: /^batchwright\/testing$/, namespace: PROVIDED }, () => ({
        contents: "module.exports = globalThis[Symbol.for('batchwright.testing')] ?? {}",
      }))
    },
  }
}

const NATIVE_LOADERS = [
  '@mapbox/node-pre-gyp',
  'bindings',
  'node-addon-api',
  'node-gyp-build',
  'node-gyp-build-optional-packages',
  'node-pre-gyp',
  'prebuild-install',
]

/** Packages with native code cannot be bundled: they stay imports, found from the project's folder. */
export function externalNatives(): Plugin {
  return {
    name: 'external-natives',
    setup(build) {
      const answers = new Map<string, Promise<boolean>>()
      build.onResolve({ filter: /^[^./]/ }, async ({ path: name, resolveDir, kind, pluginData }) => {
        if (pluginData === RESOLVING || name.startsWith('node:') || path.isAbsolute(name)) return null
        const found = await build.resolve(name, { resolveDir, kind, pluginData: RESOLVING })
        if (found.errors.length > 0 || found.external || !found.path.includes('node_modules')) return null
        const folder = packageFolder(found.path)
        const native = answers.get(folder) ?? isNative(folder)
        answers.set(folder, native)
        return (await native) ? { path: name, external: true } : null
      })
    },
  }
}

const RESOLVING = Symbol('resolving')

/** The folder of the package that a file under node_modules belongs to. */
function packageFolder(file: string): string {
  const marker = `${path.sep}node_modules${path.sep}`
  const start = file.lastIndexOf(marker) + marker.length
  const [first = '', second = ''] = file.slice(start).split(path.sep)
  return file.slice(0, start) + (first.startsWith('@') ? path.join(first, second) : first)
}

async function isNative(folder: string): Promise<boolean> {
  const manifest: unknown = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'))
  if (!isObject(manifest)) return false
  if ('gypfile' in manifest || 'binary' in manifest || 'napi' in manifest) return true
  const needed = Object.keys({ ...objectOf(manifest['dependencies']), ...objectOf(manifest['optionalDependencies']) })
  return needed.some((name) => NATIVE_LOADERS.includes(name) || isPlatformPackage(name))
}

/** `@img/sharp-linux-x64`: a package made for one platform. */
function isPlatformPackage(name: string): boolean {
  return /-(linux|darwin|win32)(-|$)/.test(name) || /node-bindings$/.test(name)
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? value : {}
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
