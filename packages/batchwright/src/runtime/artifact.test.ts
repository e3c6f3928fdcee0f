import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BatchwrightError } from '../kernel/errors.ts'
import { readPlaces } from '../kernel/source-place.ts'
import type { ArtifactRef } from '../protocol/index.ts'
import { buildArtifact } from './artifact.ts'
import { loadArtifact } from './load-artifact.ts'

const JOB = `import { contract, csv, dataset, field, job, jsonl, record } from 'batchwright'
import { amountOf } from './money.ts'

const row = record({ invoice: field.text(), amount: field.decimal({ scale: 2 }) })
const lines = dataset('lines', { files: 'lines.csv', format: csv(), contract: contract(1, row) })
const out = dataset('out', { location: 'out', format: jsonl(), contract: contract(1, row) })

export default job('billing', {}, (steps) => {
  steps.records('rate').read(lines).process(amountOf).write(out)
})
`
const MONEY = `interface Line { readonly invoice: string }

export function amountOf<Row extends Line>(line: Row): Row {
  if (line.invoice === 'bad') throw new Error('bad invoice')
  return line
}
`

let project = ''

beforeEach(async () => {
  project = await mkdtemp(path.join(os.tmpdir(), 'batchwright-artifact-'))
  await write('jobs/billing.ts', JOB)
  await write('jobs/money.ts', MONEY)
  await write('package-lock.json', '{"lock":1}')
})

afterEach(() => rm(project, { recursive: true }))

async function write(name: string, text: string): Promise<void> {
  await mkdir(path.dirname(path.join(project, name)), { recursive: true })
  await writeFile(path.join(project, name), text)
}

function build(jobFile = 'jobs/billing.ts'): Promise<ArtifactRef> {
  return buildArtifact({
    jobFile,
    projectFolder: project,
    artifactsFolder: path.join(project, '.batchwright/artifacts'),
  })
}

async function refusal(work: Promise<unknown>): Promise<BatchwrightError> {
  try {
    await work
  } catch (error) {
    if (error instanceof BatchwrightError) return error
    throw error
  }
  throw new Error('expected a refusal')
}

describe('artifacts', () => {
  test('a job file becomes a bundle named by its hash, which gives the job back with one copy of the library', async () => {
    const artifact = await build()
    expect(path.basename(artifact.path)).toBe(`${artifact.codeVersion}.mjs`)
    const job = await loadArtifact(artifact)
    expect(job.name).toBe('billing')
    expect(job.steps.map((step) => step.name)).toEqual(['rate'])
    expect(await readFile(artifact.path, 'utf8')).not.toContain(project)
  })

  test('the same sources give the same code version, another line or another lock file another one', async () => {
    const first = await build()
    expect(await build()).toEqual(first)
    await rm(path.join(project, '.batchwright'), { recursive: true })
    expect((await build()).codeVersion).toBe(first.codeVersion)
    await write('jobs/money.ts', MONEY.replace('bad invoice', 'poor invoice'))
    const second = await build()
    expect(second.codeVersion).not.toBe(first.codeVersion)
    await write('package-lock.json', '{"lock":2}')
    expect((await build()).codeVersion).not.toBe(second.codeVersion)
    await write('jobs/money.ts', MONEY)
    await write('package-lock.json', '{"lock":1}')
    expect(await build()).toEqual(first)
  })

  test('builds at the same time leave one whole artifact and nothing else', async () => {
    await Promise.all([build(), build(), build()])
    const names = await readdir(path.join(project, '.batchwright/artifacts'))
    expect(names.filter((name) => name.endsWith('.tmp'))).toEqual([])
    expect(names).toHaveLength(3)
  })

  test('an error in a job file is told with its place: file, line, column and length', async () => {
    await write('jobs/broken.ts', "import { job } from 'batchwright'\nconst x = = 1\n")
    const error = await refusal(build('jobs/broken.ts'))
    expect(error.code).toBe('JOB_FILE_INVALID')
    expect(error.message).toBe('the job file could not be bundled: Unexpected "="')
    expect(error.details['places']).toEqual([{ file: 'jobs/broken.ts', line: 2, column: 11, length: 1, message: null }])
  })

  test('of several errors each has its place and its words, and a missing package says how to install it', async () => {
    await write('jobs/imports.ts', "import a from 'lodahs/fp'\nimport b from './nowhere'\nexport default [a, b]\n")
    const error = await refusal(build('jobs/imports.ts'))
    expect(error.message).toBe('the job file could not be bundled: Could not resolve "lodahs/fp" (and 1 more)')
    expect(error.hint).toBe('Install it with `npm install lodahs`, or mend the name.')
    expect(readPlaces(error.details['places'])).toMatchObject([
      { line: 1, column: 15, message: 'Could not resolve "lodahs/fp"' },
      { line: 2, column: 15, message: 'Could not resolve "./nowhere"' },
    ])
  })

  test('an import that the library does not have is refused when the job is built', async () => {
    await write('jobs/typo.ts', "import { jobb } from 'batchwright'\nexport default jobb('x', {}, () => {})\n")
    const error = await refusal(build('jobs/typo.ts'))
    expect(error.message).toBe('the job file could not be bundled: batchwright has no export "jobb"')
    expect(error.hint).toContain('Did you mean "job"?')
    expect(readPlaces(error.details['places'])).toMatchObject([{ file: 'jobs/typo.ts', line: 1, column: 10 }])
  })

  test('a job file that is missing, throws, or exports no job is refused in those words', async () => {
    expect((await refusal(build('jobs/none.ts'))).code).toBe('JOB_FILE_MISSING')
    await write('jobs/throws.ts', "throw new Error('reads at once')\n")
    const throws = await refusal(loadArtifact(await build('jobs/throws.ts')))
    expect(throws).toMatchObject({ code: 'JOB_FILE_INVALID' })
    expect(throws.message).toContain('reads at once')
    await write('jobs/empty.ts', 'export const other = 1\n')
    expect((await refusal(loadArtifact(await build('jobs/empty.ts')))).message).toContain('default export')
    await write('jobs/number.ts', 'export default 1\n')
    expect((await refusal(loadArtifact(await build('jobs/number.ts')))).message).toContain('found number')
  })

  test('an artifact whose bytes are not those of its code version is refused', async () => {
    await write('jobs/money.ts', MONEY.replace('bad invoice', 'changed'))
    const artifact = await build()
    await writeFile(artifact.path, (await readFile(artifact.path, 'utf8')).replace('changed', 'chanced'))
    expect((await refusal(loadArtifact(artifact))).code).toBe('ARTIFACT_CHANGED')
    expect((await refusal(loadArtifact({ ...artifact, path: `${artifact.path}.gone` }))).code).toBe('ARTIFACT_MISSING')
  })
})
