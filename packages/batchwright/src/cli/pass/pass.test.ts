import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { contract, csv, daily, dataset, field, job, monthly, record, type JobDefinition } from '../../job/index.ts'
import { chooseWindow } from './choose-window.ts'
import { stepDigests } from './step-digest.ts'
import { readProblems } from './types.ts'

const made: string[] = []

afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true })
})

function folderWith(...files: readonly string[]): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'batchwright-pass-'))
  made.push(folder)
  for (const file of files) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
    writeFileSync(path.join(folder, file), 'id\n1\n')
  }
  return folder
}

const row = record({ id: field.text() })
const NOW = Date.parse('2026-03-10T12:00:00Z')

function reading(files: string, window: 'daily' | 'monthly', missing: 'fail' | 'skip' = 'fail'): JobDefinition {
  const input = dataset('raw', { window: daily(), files, missing, format: csv(), contract: contract(1, row) })
  const runs = window === 'daily' ? daily() : monthly()
  const output = dataset('clean', { window: runs, location: 'out', format: csv(), contract: contract(1, row) })
  return job('cleaning', { window: runs }, (steps) => {
    steps.records('clean').read(input).write(output)
  })
}

describe('the window that is looked at', () => {
  test('is the last complete one where its input is there', async () => {
    const folder = folderWith('in/2026-03-08.csv', 'in/2026-03-09.csv', 'in/2026-03-10.csv')
    const { window, why } = await chooseWindow(reading('in/{date}.csv', 'daily'), folder, {}, NOW)
    expect([window?.key, why]).toEqual(['2026-03-09', 'the last complete'])
  })

  test.each([
    ['in/{date}.csv', ['in/2011-01-04.csv', 'in/2011-02-28.csv', 'in/notes.csv'], '2011-02-28'],
    ['in/{date:YYYYMMDD}.csv', ['in/20110104.csv', 'in/20110228.csv'], '2011-02-28'],
    ['in/day-{date:MM-DD-YYYY}-x.csv', ['in/day-01-04-2011-x.csv', 'in/day-02-28-2011-x.csv'], '2011-02-28'],
    ['in/{date:YYYY}/{date:MM}/{date:DD}.csv', ['in/2011/01/04.csv', 'in/2011/02/28.csv'], '2011-02-28'],
  ])('is else the latest that has input, whatever its files are called: %s', async (files, names, key) => {
    const { window, why } = await chooseWindow(reading(files, 'daily'), folderWith(...names), {}, NOW)
    expect([window?.key, why]).toEqual([key, 'the latest with input'])
  })

  test('of a month over daily files, one with any day where days may be missing, with all where not', async () => {
    const folder = folderWith('in/2011-01-04.csv', 'in/2011-02-28.csv')
    const some = await chooseWindow(reading('in/{date}.csv', 'monthly', 'skip'), folder, {}, NOW)
    expect(some.window?.key).toBe('2011-02')
    const all = await chooseWindow(reading('in/{date}.csv', 'monthly'), folder, {}, NOW)
    expect([all.window?.key, all.why]).toEqual(['2026-02', 'no input found'])
  })
})

describe('a step is the same while nothing it is made of changes', () => {
  const base = reading('in/{date}.csv', 'daily')

  test('and another when its function, its settings or its dataset does', () => {
    expect(stepDigests(reading('in/{date}.csv', 'daily'))).toEqual(stepDigests(base))
    const [clean] = base.steps
    if (clean?.kind !== 'records') throw new Error('expected a records step')
    const changed: JobDefinition = { ...base, steps: [{ ...clean, skip: { ratio: 0.5, count: null } }] }
    expect(stepDigests(changed)).not.toEqual(stepDigests(base))
    const process = (line: never): unknown => line
    const working: JobDefinition = {
      ...base,
      steps: [{ ...clean, operations: [{ operation: 'process', process, concurrency: 1 }] }],
    }
    expect(stepDigests(working)).not.toEqual(stepDigests(base))
  })
})

test('what tsc prints is read with its places and its further lines', () => {
  const output = [
    "jobs/a.ts(6,58): error TS2304: Cannot find name 'nothere'.",
    "jobs/a.ts(7,1): error TS2345: Argument of type 'X' is not assignable.",
    "  Type 'X' is missing the following properties.",
    "error TS18003: No inputs were found in config file 'tsconfig.json'.",
    '',
  ].join('\n')
  expect(readProblems(output)).toEqual([
    { file: 'jobs/a.ts', line: 6, column: 58, code: 'TS2304', message: "Cannot find name 'nothere'." },
    {
      file: 'jobs/a.ts',
      line: 7,
      column: 1,
      code: 'TS2345',
      message: "Argument of type 'X' is not assignable.\n  Type 'X' is missing the following properties.",
    },
    {
      file: '',
      line: 0,
      column: 0,
      code: 'TS18003',
      message: "No inputs were found in config file 'tsconfig.json'.",
    },
  ])
})
