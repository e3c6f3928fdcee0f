import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { generate } from './generate.ts'
import { referenceTables, RULES } from './reference.ts'

const scratch = mkdtempSync(path.join(tmpdir(), 'billing-generate-'))
afterAll(() => {
  rmSync(scratch, { recursive: true })
})

const options = { from: '2010-12', months: 3, scale: 0.01, seed: 7 }

function filesOf(folder: string): Map<string, string> {
  const files = path.join(folder, 'retail', 'files')
  return new Map(readdirSync(files).map((name) => [name, readFileSync(path.join(files, name)).toString('base64')]))
}

test('the same seed gives the same bytes, and another seed gives others', () => {
  for (const [name, seed] of [['one', 7] as const, ['same', 7] as const, ['other', 8] as const]) {
    generate({ ...options, seed, out: path.join(scratch, name) })
  }
  expect(filesOf(path.join(scratch, 'same'))).toEqual(filesOf(path.join(scratch, 'one')))
  expect(filesOf(path.join(scratch, 'other'))).not.toEqual(filesOf(path.join(scratch, 'one')))
})

test('a month is the same whatever other months are made with it', () => {
  generate({ ...options, out: path.join(scratch, 'three') })
  generate({ ...options, from: '2011-01', months: 1, out: path.join(scratch, 'alone') })
  const three = filesOf(path.join(scratch, 'three'))
  const alone = filesOf(path.join(scratch, 'alone'))
  expect(alone.size).toBeGreaterThan(20)
  for (const [name, bytes] of alone) expect(three.get(name), name).toBe(bytes)
})

test('every rule rejects lines in every month, at any scale', () => {
  generate({ ...options, out: path.join(scratch, 'rules') })
  const rejects = referenceTables(path.join(scratch, 'rules', 'retail'))
    ['rejects.csv'].trim()
    .split('\n')
    .slice(1)
  const seen = new Set(rejects.map((line) => `${line.slice(0, 7)} ${line.split(',')[2] ?? ''}`))
  for (const month of ['2010-12', '2011-01', '2011-02']) {
    for (const rule of RULES) expect(seen, `${rule} in ${month}`).toContain(`${month} ${rule}`)
  }
})

test('there are no files on Saturdays, bank holidays and between the years', () => {
  generate({ ...options, from: '2011-04', months: 9, scale: 0.002, out: path.join(scratch, 'days') })
  const days = readdirSync(path.join(scratch, 'days', 'retail', 'files')).map((name) => name.slice(0, 10))
  expect(days.filter((day) => new Date(day).getUTCDay() === 6)).toEqual([])
  const closed = ['2011-04-22', '2011-04-24', '2011-04-25', '2011-05-02', '2011-05-30', '2011-08-29', '2011-12-24']
  expect(days.filter((day) => closed.includes(day))).toEqual([])
  expect(days).toContain('2011-12-23')
})
