/**
 * What is shipped: packed as `npm pack` packs it, installed into an empty folder as npm does it, and used from there by somebody
 * who types what `init` tells them.
 */
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { publint } from 'publint'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Packed } from './packing.ts'
import { command, pack, temporaryFolder } from './packing.ts'
import { surfaceOf } from './unimportable.ts'

const REPOSITORY = path.join(import.meta.dirname, '../..')
const TEMPLATES = ['etl', 'billing', 'fan-out', 'migration']

const made = temporaryFolder()
const project = path.join(made, 'my-jobs')
const installed = path.join(project, 'node_modules/batchwright')
let packed: Packed

beforeAll(async () => {
  packed = await pack(path.join(made, 'repository'))
  mkdirSync(project)
  await command(project, 'npm', 'install', '--prefer-offline', packed.tarball)
}, 300_000)

afterAll(() => {
  rmSync(made, { recursive: true, force: true })
})

const text = (file: string): string => readFileSync(path.join(project, file), 'utf8')

describe('the package', () => {
  test('holds built code, types and templates; no source maps, no source, no tests of its own', () => {
    const expected = [
      /^(LICENSE|README\.md|package\.json)$/,
      /^bin\/batchwright\.js$/,
      /^dist\/[\w-]+\.js$/,
      /^dist\/types\/(index|testing|shared)\.d\.ts$/,
      /^templates\//,
    ]
    expect(packed.files.filter((file) => !expected.some((pattern) => pattern.test(file)))).toEqual([])
    const templates = path.join(REPOSITORY, 'packages/batchwright/templates')
    const ours = globSync('**/*', { cwd: templates, withFileTypes: true }).filter((entry) => entry.isFile())
    expect(packed.files.filter((file) => file.startsWith('templates/'))).toHaveLength(ours.length)
    const mapped = packed.files
      .filter((file) => file.endsWith('.js'))
      .filter((file) => /^\/\/# sourceMappingURL=/m.test(readFileSync(path.join(installed, file), 'utf8')))
    expect(mapped).toEqual([])
    expect(readFileSync(path.join(installed, 'LICENSE'))).toEqual(readFileSync(path.join(REPOSITORY, 'LICENSE')))
  })

  test('packing leaves package.json as it was, and what is shipped does not know of the repository', () => {
    const copy = path.join(path.dirname(packed.tarball), 'package.json')
    const own = path.join(REPOSITORY, 'packages/batchwright/package.json')
    expect(readFileSync(copy, 'utf8')).toBe(readFileSync(own, 'utf8'))
    expect(readFileSync(path.join(installed, 'package.json'), 'utf8')).not.toMatch(/batchwright-source|"scripts"/)
  })

  test('has nothing that publint objects to', async () => {
    const { messages } = await publint({ pkgDir: installed, strict: true })
    expect(messages).toEqual([])
  })

  test('has types that resolve to what runs, for Node and for bundlers', async () => {
    const result = await checkPackage(createPackageFromTarballData(readFileSync(packed.tarball)))
    // Node 24 is the least that there is: it resolves as node16 does, and can require() ES modules.
    const old = new Set(['node10', 'node16-cjs'])
    const problems = result.types === false ? ['no types'] : result.problems
    expect(
      problems.filter(
        (each) => !(typeof each === 'object' && 'resolutionKind' in each && old.has(each.resolutionKind)),
      ),
    ).toEqual([])
  })

  test('exports every type that a public one is made of', () => {
    const { unimportable, entries } = surfaceOf(path.join(installed, 'dist/types'), ['index', 'testing'])
    expect(unimportable).toEqual([])
    const page = readFileSync(path.join(REPOSITORY, 'docs/reference/exports.md'), 'utf8')
    const names = Object.values(entries).flatMap(({ values, types }) => [...values, ...types])
    expect(names.filter((name) => !page.includes(`| \`${name}\` `))).toEqual([])
    expect(names.length).toBeGreaterThan(100)
  })
})

describe('somebody new', () => {
  test('init completes the package.json that npm made, and the job runs before anything else is installed', async () => {
    const { stdout } = await command(project, 'npx', 'batchwright', 'init')
    expect(stdout).toContain('changed package.json: added "type": "module"; scripts start, test, check, sample;')
    expect(stdout).toContain('npx batchwright run orders')
    await command(project, 'npx', 'batchwright', 'run', 'orders')
    const { stdout: rows } = await command(project, 'npx', 'batchwright', 'datasets', 'cat', 'orders')
    expect(rows.trim().split('\n')).toHaveLength(919)
    const { stdout: letters } = await command(project, 'npx', 'batchwright', 'dead-letters', 'list', 'latest')
    for (const dirt of ['duplicate', 'no_customer', 'bad_number', 'blank']) expect(letters).toContain(dirt)
  })

  test('after npm install its test passes and its types are right', async () => {
    await command(project, 'npm', 'install', '--prefer-offline')
    expect((await command(project, 'npm', 'test')).stdout).toMatch(/pass 2\n.*fail 0\n/s)
    await command(project, 'npm', 'run', 'check')
  })

  test('every template runs and passes its test; what it samples is in it', async () => {
    await Promise.all([chain(['etl', 'migration']), chain(['billing', 'fan-out'])])
  }, 240_000)

  test('every template is right to the type checker', async () => {
    // One program: reading the same libraries four times over would take four times as long.
    const include = TEMPLATES.flatMap((name) => ['jobs', 'tests', 'scripts'].map((folder) => `${name}/${folder}`))
    writeFileSync(path.join(project, 'tsconfig.all.json'), JSON.stringify({ extends: './etl/tsconfig.json', include }))
    await command(project, 'npx', 'tsc', '-p', 'tsconfig.all.json')
  })

  test('types are right for bundlers too, and in declarations of one’s own, with every library checked', async () => {
    writeFileSync(path.join(project, 'consumer.ts'), CONSUMER)
    const strict = ['--strict', '--declaration', '--skipLibCheck', 'false', '--types', 'node', '--lib', 'ES2024,ESNext']
    for (const how of [
      ['--module', 'preserve', '--moduleResolution', 'bundler', '--outDir', 'bundler'],
      ['--module', 'node16', '--moduleResolution', 'node16', '--outDir', 'node16'],
    ]) {
      await command(project, 'npx', 'tsc', '--ignoreConfig', 'consumer.ts', '--target', 'es2024', ...strict, ...how)
    }
    expect(text('node16/consumer.d.ts')).toContain('import("batchwright").RecordsPolicies<')
  })
})

/** The compiler has to name what a helper returns: `import("batchwright")` must have it. */
const CONSUMER = `
import { field, record, contract, dataset, csv, reject } from 'batchwright'
import type { JobTypes, Steps } from 'batchwright'
import { runInMemory } from 'batchwright/testing'
export const row = record({ id: field.integer(), price: field.decimal({ scale: 2 }) })
export const rows = dataset('rows', { files: 'in.csv', format: csv(), contract: contract(1, row) })
export const priced = (steps: Steps<JobTypes>) =>
  steps.records('price').read(rows).process((one) => (one.price.isZero() ? reject('free') : one)).rejects({ free: '1%' })
export const run = runInMemory
`

/** Templates one after the other: init, job, test. */
async function chain(templates: readonly string[]): Promise<void> {
  for (const template of templates) {
    const folder = path.join(project, template)
    const { stdout } = await command(project, 'npx', 'batchwright', 'init', template, '--template', template)
    expect(stdout).toContain(`cd ${template}`)
    await command(folder, 'npm', 'start')
    expect((await command(folder, 'npm', 'test')).stdout).toMatch(/pass [3-9]\n.*fail 0\n/s)
  }
}
