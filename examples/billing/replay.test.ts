import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { generate } from './generate.ts'
import { batchwright, scratchProject, start } from './scratch.ts'

const MONTH = '2011-03'
const TABLES = ['invoices', 'customer_month', 'month_totals']
const made = mkdtempSync(path.join(tmpdir(), 'billing-replay-'))
const projects: string[] = []

afterAll(() => {
  for (const folder of [made, ...projects]) rmSync(folder, { recursive: true, force: true })
})

interface Letter {
  readonly raw: string
  readonly reason: string
  readonly position: { readonly windowKey: string; readonly record: number }
}

async function billed(data: string): Promise<string> {
  const project = scratchProject()
  projects.push(project)
  await batchwright(project, data, ['run', 'billing', '--window', MONTH])
  return project
}

async function letters(project: string, data: string): Promise<readonly Letter[]> {
  const text = await batchwright(project, data, ['dead-letters', 'export', 'billing', '--format', 'jsonl'])
  const lines = text.trim().split('\n')
  return lines.map((line) => JSON.parse(line) as Letter) // the command line's own format
}

async function tables(project: string, data: string): Promise<readonly string[]> {
  const printed: string[] = []
  for (const name of TABLES)
    printed.push(await batchwright(project, data, ['datasets', 'cat', name, '--window', MONTH]))
  return printed
}

const places = (all: readonly Letter[]): readonly string[] =>
  all.map(({ position, reason }) => `${position.windowKey},${position.record},${reason}`).toSorted()

/** The daily files with mended lines in their places. */
function mendFiles(from: string, to: string, mended: readonly Letter[]): void {
  cpSync(from, to, { recursive: true })
  const files = path.join(to, 'retail', 'files')
  for (const name of readdirSync(files)) {
    const day = name.slice(0, 10)
    const lines = gunzipSync(readFileSync(path.join(files, name)))
      .toString('utf8')
      .split('\n')
    for (const { position, raw } of mended) if (position.windowKey === day) lines[position.record] = raw
    writeFileSync(path.join(files, name), gzipSync(lines.join('\n')))
  }
}

test('lines without a customer, mended and replayed, are billed as a run over the mended files bills them', async () => {
  const data = path.join(made, 'data')
  generate({ out: data, from: MONTH, months: 1, scale: 0.05, seed: 5 })
  const project = await billed(data)
  const before = await letters(project, data)
  const unknown = before.filter(({ reason }) => reason === 'missing_customer')
  // Every other of them, so that most days have both; repeats among them become repeats of accepted lines.
  const mended = unknown
    .filter((_, place) => place % 2 === 0)
    .map((letter) => ({ ...letter, raw: letter.raw.replace(/,,([^,]*)$/, ',14911.0,$1') }))
  expect(mended.length).toBeGreaterThan(20)
  writeFileSync(path.join(project, 'mended.jsonl'), mended.map((letter) => `${JSON.stringify(letter)}\n`).join(''))

  const replay = ['dead-letters', 'replay', '--file', 'mended.jsonl']
  const { signal } = await start(project, data, replay, { BATCHWRIGHT_FAIL_POINTS: 'verify.started@1=kill' }).ended
  expect(signal).toBe('SIGKILL')
  await batchwright(project, data, replay)

  const mendedData = path.join(made, 'mended')
  mendFiles(data, mendedData, mended)
  const fresh = await billed(mendedData)
  expect(await tables(project, data)).toEqual(await tables(fresh, mendedData))
  expect(places(await letters(project, data))).toEqual(places(await letters(fresh, mendedData)))
})
