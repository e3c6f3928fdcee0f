/** What the tests of this folder share: a small real project, its command line, and what it published. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, expect } from 'vitest'
import { makeProject } from '../../packages/batchwright/src/cli/fixtures/project.ts'
import type { Finished, Running, TestProject } from '../../packages/batchwright/src/cli/fixtures/project.ts'

export type { Finished, Running, TestProject }

export const DAY = '2026-03-01'
export const RUN = ['run', 'orders', '--window', DAY] as const
export const INPUT = `in/${DAY}.csv`

/** What a test may change about the job of `ordersJob`; each is source text. */
export interface JobText {
  /** Function of `process`; default: the order as it is. */
  readonly process?: string
  /** Policies of the step, as they stand in the chain: `.skip('50%')`. */
  readonly policies?: string
  /** Format of the published dataset; default `csv()`. */
  readonly format?: string
  /** Options of the format that is read; default none. */
  readonly input?: string
  /** Statements before the job. */
  readonly before?: string
}

/** A job that reads a day's orders (id, quantity, price, note) and publishes them as `clean`. */
export function ordersJob({ process, policies, format, input, before }: JobText = {}): string {
  return `
import { job, dataset, daily, csv, jsonl, parquet, contract, record, field, reject, drop } from 'batchwright'

const row = record({
  id: field.text(),
  qty: field.integer(),
  price: field.decimal({ scale: 2 }),
  note: field.text().optional(),
})
const raw = dataset('raw', { window: daily(), files: 'in/{date}.csv', format: csv(${input ?? ''}), contract: contract(1, row) })
const clean = dataset('clean', { window: daily(), location: 'out/clean', format: ${format ?? 'csv()'}, contract: contract(1, row) })
${before ?? ''}
export default job('orders', { window: daily() }, (steps) => {
  steps
    .records('clean')
    .read(raw)
    .process(${process ?? '(order) => order'})
    ${policies ?? ''}
    .write(clean)
})
`
}

export const HEADER = 'id,qty,price,note'

/** A CSV file of orders o1 to oN; `rows` follow. */
export function orders(count: number, rows: readonly string[] = []): string {
  const good = Array.from({ length: count }, (_, index) => `o${index + 1},${index % 7},${index}.50,`)
  return [HEADER, ...good, ...rows, ''].join('\n')
}

const folders: string[] = []

/** A project with one job; its folder goes when the test file has ended. */
export function project(files: Readonly<Record<string, string>>): TestProject {
  const made = makeProject(files)
  if (folders.length === 0) {
    afterAll(() => {
      for (const folder of folders) rmSync(folder, { recursive: true, force: true })
    })
  }
  folders.push(made.folder)
  return made
}

/** Writes bytes that are no text. */
export function writeBytes({ folder }: TestProject, file: string, bytes: Uint8Array): void {
  writeFileSync(path.join(folder, file), bytes)
}

/** The run as `run --json` and `show --json` print it, in the parts that are looked at here. */
export interface RunJson {
  readonly state: string
  readonly outcome: string
  readonly revision: number
  readonly failure: Failure | null
  readonly steps: readonly StepJson[]
  readonly published: readonly { readonly dataset: string; readonly version: number; readonly state: string }[]
}

interface Failure {
  readonly code: string
  readonly message: string
  readonly hint: string | null
  readonly details: Readonly<Record<string, unknown>>
  readonly step: string
  readonly index: number | null
}

interface StepJson {
  readonly name: string
  readonly state: string
  readonly partitions: number
  readonly partitionsDone: number
  readonly read: number
  readonly written: number
  readonly outputs: Readonly<Record<string, number>>
  readonly files: Readonly<Record<string, number>>
  readonly dropped: number
  readonly dead: number
  readonly retries: number
  readonly reasons: Readonly<Record<string, number>>
  readonly notes: readonly string[]
}

/** The last run of the project. */
export async function lastRun(from: TestProject): Promise<RunJson> {
  return (await from.json<RunJson>('show', 'latest')).value
}

interface LetterJson {
  readonly cause: string
  readonly reason: string
  readonly message: string
  readonly source: string
  readonly record: number
}

/** Dead letters of the last run, in the order of their records. */
export async function deadLetters(from: TestProject): Promise<readonly LetterJson[]> {
  const { value } = await from.json<{ items: readonly LetterJson[] }>('dead-letters', 'list', '--limit', '1000')
  return value.items.toSorted((left, right) => left.record - right.record)
}

/** Expects success and hands back what was said. */
export function succeeded(finished: Finished): Finished {
  expect(finished, `${finished.stdout}\n${finished.stderr}`).toMatchObject({ code: 0, signal: null })
  return finished
}

/** Paths of all published files, manifests too. */
export function publishedFiles(from: TestProject): readonly string[] {
  return from.files('out/*/*/**/*').filter((file) => !file.includes('.staging') && /\.\w+$/.test(file))
}

/** Content of the published parts by path. */
export function publishedBytes(from: TestProject): Readonly<Record<string, string>> {
  const parts = publishedFiles(from).filter((file) => !file.includes('/manifests/'))
  return Object.fromEntries(parts.map((file) => [file, readFileSync(path.join(from.folder, file)).toString('base64')]))
}

/** What a person is told of a failure: each part of it must be there. */
export function expectTold(finished: Finished, parts: readonly (string | RegExp)[]): void {
  for (const part of parts) {
    if (typeof part === 'string') expect(finished.stderr).toContain(part)
    else expect(finished.stderr).toMatch(part)
  }
}
