import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generate } from './generate.ts'
import { readTable, referenceTables, writeTables } from './reference.ts'
import type { TableName } from './reference.ts'
import { batchwright, scratchProject } from './scratch.ts'

const made = mkdtempSync(path.join(tmpdir(), 'billing-data-'))
const real = realData()
const projects: string[] = []

beforeAll(() => {
  generate({ out: made, from: '2011-03', months: 3, scale: 0.05, seed: 11 })
  writeTables(referenceTables(path.join(made, 'retail')), path.join(made, 'retail', 'expected'))
})

afterAll(() => {
  for (const folder of [made, ...projects]) rmSync(folder, { recursive: true, force: true })
})

/** The folder with the real data; null where it is not. */
function realData(): string | null {
  const named = process.env['BATCHWRIGHT_REAL_DATA']
  const folder = named ?? path.join(import.meta.dirname, '../../../shared/data')
  return existsSync(path.join(folder, 'retail', 'files')) ? folder : null
}

/** The months that the folder has files of. */
function monthsOf(data: string): string[] {
  const days = readdirSync(path.join(data, 'retail', 'files'))
  return [...new Set(days.map((name) => name.slice(0, 7)))].sort()
}

/** A table's header, and its rows of one month. `monthColumn` is where its date or month stands. */
function expected(data: string, name: TableName, month: string): string[] {
  const [header = '', ...rows] = readTable(path.join(data, 'retail', 'expected'), name)
    .trim()
    .split('\n')
  const column = header.split(',').findIndex((title) => title === 'date' || title === 'month')
  return [header, ...rows.filter((row) => row.split(',')[column]?.startsWith(month))]
}

async function published(project: string, data: string, name: string, month: string): Promise<string[]> {
  const text = await batchwright(project, data, ['datasets', 'cat', name, '--window', month, '--format', 'csv'])
  return text.trim().split('\n')
}

interface ExportedLetter {
  readonly reason: string
  readonly position: { readonly windowKey: string; readonly record: number }
}

/** `date,record,rule` of all dead letters of a month, in order. */
async function deadLetters(project: string, data: string, month: string): Promise<string[]> {
  const text = await batchwright(project, data, [
    'dead-letters',
    'export',
    'billing',
    '--window',
    month,
    '--format',
    'jsonl',
  ])
  const letters = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ExportedLetter) // the command line's own format
  return letters.map(({ reason, position }) => `${position.windowKey},${position.record},${reason}`).sort()
}

function expectedRejects(data: string, month: string): string[] {
  return expected(data, 'rejects.csv', month)
    .slice(1)
    .map((row) => row.split(',').slice(0, 3).join(','))
    .sort()
}

function acceptance(data: () => string, months: () => string[]): void {
  let project: string

  beforeAll(async () => {
    project = scratchProject()
    projects.push(project)
    await batchwright(project, data(), ['run', 'billing', '--window', `${months()[0] ?? ''}..${months().at(-1) ?? ''}`])
  }, 300_000)

  for (const name of ['invoices', 'customer_month', 'month_totals'] as const) {
    test(`${name} equals the expected table, every month`, async () => {
      for (const month of months()) {
        expect(await published(project, data(), name, month), month).toEqual(expected(data(), `${name}.csv`, month))
      }
    })
  }

  test('each dead letter has the expected file date, record number and rule, every month', async () => {
    for (const month of months()) {
      expect(await deadLetters(project, data(), month), month).toEqual(expectedRejects(data(), month))
    }
  })

  test('each line is accepted or a dead letter, none twice: the counters of every month say so', async () => {
    for (const month of months()) {
      const days = expected(data(), 'rejects_by_day.csv', month)
        .slice(1)
        .map((row) => row.split(',').map(Number))
      const sum = (column: number): number => days.reduce((total, row) => total + (row[column] ?? 0), 0)
      const shown = await batchwright(project, data(), ['show', '--window', month, '--json'])
      const run = JSON.parse(shown) as {
        state: string
        steps: { name: string; read: number; accepted: number; dead: number }[]
      }
      expect(run.state, month).toBe('succeeded')
      expect(
        run.steps.find((step) => step.name === 'rate'),
        month,
      ).toMatchObject({
        read: sum(1),
        accepted: sum(2),
        dead: sum(3),
      })
    }
  })
}

describe('on generated months', () => {
  acceptance(
    () => made,
    () => ['2011-03', '2011-04', '2011-05'],
  )
})

describe('on the real months', () => {
  test('they are there where tests run for a change to be accepted', () => {
    if (process.env['CI'] === 'true') expect(real, 'BATCHWRIGHT_REAL_DATA or ../shared/data').not.toBeNull()
  })

  if (real !== null) {
    test('the reference program reproduces every table that comes with them', () => {
      const tables = referenceTables(path.join(real, 'retail'))
      for (const name of Object.keys(tables) as TableName[]) {
        expect(tables[name] === readTable(path.join(real, 'retail', 'expected'), name), name).toBe(true)
      }
    })

    acceptance(
      () => real,
      () => monthsOf(real),
    )
  }
})
