import { appendFileSync, existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { systemClock } from '../kernel/clock.ts'
import { openRunLog, readRunLog, redactor, RUN_LOG_FILE } from './index.ts'
import type { RunLogLine } from './index.ts'

const line = (message: string, over: Partial<RunLogLine> = {}): RunLogLine => ({
  at: Date.parse('2011-01-04T10:00:00.000Z'),
  level: 'info',
  step: 'rate',
  index: 0,
  attempt: 1,
  message,
  ...over,
})

function folder(): string {
  return path.join(mkdtempSync(path.join(tmpdir(), 'run-log-')), 'runs', 'r1')
}

const open = (at: string, secrets: Record<string, string> = {}): ReturnType<typeof openRunLog> =>
  openRunLog({ folder: at, clock: systemClock, redact: redactor(secrets) })

test('what is written is read again, in order, by step, level and count', async () => {
  const at = folder()
  const log = open(at)
  log.write(line('one', { fields: { rows: 3 } }))
  log.write(line('two', { step: 'invoice', level: 'warn' }))
  log.write(line('three', { level: 'error' }))
  await log.close()
  expect((await readRunLog(at, {})).items.map((each) => each.message)).toEqual(['one', 'two', 'three'])
  expect((await readRunLog(at, {})).items[0]).toEqual(line('one', { fields: { rows: 3 } }))
  expect((await readRunLog(at, { step: 'rate' })).items.map((each) => each.message)).toEqual(['one', 'three'])
  expect((await readRunLog(at, { level: 'warn' })).total).toBe(2)
  expect(await readRunLog(at, { last: 1 })).toMatchObject({ total: 3, items: [{ message: 'three' }] })
})

test('a run that said nothing has no file and no lines', async () => {
  const at = folder()
  await open(at).close()
  expect(existsSync(at)).toBe(false)
  expect(await readRunLog(at, {})).toEqual({ total: 0, items: [] })
})

test('two writers append whole lines to the same run', async () => {
  const at = folder()
  const logs = [open(at), open(at)]
  for (let index = 0; index < 500; index += 1) logs[index % 2]!.write(line(`line ${index} ${'x'.repeat(300)}`))
  await Promise.all(logs.map((log) => log.close()))
  expect((await readRunLog(at, {})).total).toBe(500)
})

test('a line that a crash cut short is left out', async () => {
  const at = folder()
  const log = open(at)
  log.write(line('whole'))
  await log.close()
  appendFileSync(path.join(at, RUN_LOG_FILE), '{"at":"2011-01-04T10:00')
  expect((await readRunLog(at, {})).items.map((each) => each.message)).toEqual(['whole'])
})

test('no line is longer than 16 KiB, whatever is logged', async () => {
  const at = folder()
  const log = open(at)
  log.write(line('big fields', { fields: { text: 'y'.repeat(100_000) } }))
  log.write(line('\u0001'.repeat(100_000)))
  await log.close()
  const lines = readFileSync(path.join(at, RUN_LOG_FILE), 'utf8').trimEnd().split('\n')
  expect(lines).toHaveLength(2)
  for (const each of lines) expect(each.length).toBeLessThanOrEqual(16 * 1024)
  expect((await readRunLog(at, {})).items[0]?.message).toBe('big fields')
})

test('secrets are masked in messages and fields, also where JSON writes them differently', async () => {
  const at = folder()
  const log = open(at, { SMTP_PASSWORD: 'pa"ss\\word', SHORT: 'abc' })
  log.write(line('login with pa"ss\\word and abc', { fields: { deep: ['pa"ss\\word'] } }))
  await log.close()
  const text = readFileSync(path.join(at, RUN_LOG_FILE), 'utf8')
  expect(text).not.toContain('ss\\\\word')
  expect((await readRunLog(at, {})).items[0]).toMatchObject({
    message: 'login with [secret SMTP_PASSWORD] and abc',
    fields: { deep: ['[secret SMTP_PASSWORD]'] },
  })
})

test('a log that cannot be written fails its close, not the run', async () => {
  const at = folder()
  const blocked = path.join(mkdtempSync(path.join(tmpdir(), 'run-log-')), 'file')
  appendFileSync(blocked, '')
  const log = open(path.join(blocked, 'inside'))
  log.write(line('lost'))
  await expect(log.close()).rejects.toThrow(/ENOTDIR|EEXIST/)
  expect(existsSync(at)).toBe(false)
})
