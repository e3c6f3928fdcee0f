import { describe, expect, test } from 'vitest'
import { raisedCodes } from '../fixtures/raised-codes.ts'
import { codeJson, codeLines } from '../render/catalogue.ts'
import { paintNothing } from '../render/paint.ts'
import { displayWidth } from '../render/text.ts'
import { CATALOGUE, PARTS } from './index.ts'

const raised = raisedCodes()
/** Raised by the command's first file, which is not built and not TypeScript. */
const ELSEWHERE = ['NOT_BUILT']
const isCode = (name: string): boolean => name === name.toUpperCase()

describe('the catalogue of errors', () => {
  test('has an entry for every code that the source raises', () => {
    const missing = [...raised]
      .filter(([code]) => !CATALOGUE.has(code))
      .map(([code, places]) => `${code} at ${places.join(', ')}`)
    expect(missing).toEqual([])
  })

  test('has no entry for a code that nothing raises', () => {
    const idle = [...CATALOGUE.keys()].filter((code) => isCode(code) && !raised.has(code) && !ELSEWHERE.includes(code))
    expect(idle).toEqual([])
  })

  test('finds codes however they are given: as a member, as an argument, as a default, by a condition', () => {
    for (const code of ['JOB_UNKNOWN', 'STEP_CYCLE', 'STEP_INVALID', 'ATTEMPT_CANCELLED', 'USAGE', 'FENCED']) {
      expect(raised.has(code), code).toBe(true)
    }
  })

  test('has each code once', () => {
    const all = PARTS.flatMap(({ entries }) => Object.keys(entries))
    expect(all.length).toBe(new Set(all).size)
  })

  test.each([...CATALOGUE])('%s is told in whole sentences, and fits every terminal', (code, entry) => {
    for (const sentence of [entry.meaning, ...entry.causes, ...entry.remedies]) expect(sentence).toMatch(/[.`]$/)
    expect(entry.title).not.toMatch(/\.$/)
    expect(entry.causes.length).toBeGreaterThan(0)
    expect(entry.remedies.length).toBeGreaterThan(0)
    for (const width of [40, 80, Infinity]) {
      const lines = codeLines(code, entry, { width, paint: paintNothing })
      const remedy = entry.example.remedy.split('\n').length
      // Only what is copied may be longer: the last lines, and a word or a command that has no place to be cut.
      for (const line of lines.slice(0, -remedy)) {
        if (displayWidth(line) > Math.min(width, 100)) expect(line.trim()).toMatch(/^(- )?\S+$/)
      }
    }
    expect(codeJson(code, entry)).toMatchObject({ code, title: entry.title })
  })
})
