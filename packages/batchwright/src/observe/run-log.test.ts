import { appendFileSync, existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { systemClock } from '../kernel/clock.ts'
import { openRunLog, readRunLog, Redactor, RUN_LOG_FILE, streamRunLog } from './index.ts'
import type { LogFilter, RunLogLine } from './index.ts'

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

function open(at: string, secrets: Record<string, string> = {}): ReturnType<typeof openRunLog> {
  const redactor = new Redactor()
  for (const [name, secret] of Object.entries(secrets)) redactor.hide(secret, name)
  return openRunLog({ folder: at, clock: systemClock, redact: (text) => redactor.text(text) })
}

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

test('secrets are masked in messages and fields, also where JSON or a URL writes them differently', async () => {
  const at = folder()
  const log = open(at, { SMTP_PASSWORD: 'pa"ss\\word', SHORT: 'abc' })
  log.write(
    line('login with pa"ss\\word and abc at ftp://u:pa%22ss%5Cword@host', { fields: { deep: ['pa"ss\\word'] } }),
  )
  await log.close()
  const text = readFileSync(path.join(at, RUN_LOG_FILE), 'utf8')
  expect(text).not.toContain('ss\\\\word')
  expect((await readRunLog(at, {})).items[0]).toMatchObject({
    message: 'login with [secret SMTP_PASSWORD] and abc at ftp://u:[secret SMTP_PASSWORD]@host',
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

async function messages(at: string, filter: LogFilter): Promise<readonly string[]> {
  return (await readRunLog(at, filter)).items.map((each) => each.message)
}

test('lines are found by partition, attempt, time, and by text or pattern in message and fields', async () => {
  const at = folder()
  const log = open(at)
  log.write(line('first', { index: 3, attempt: 2 }))
  log.write(line('second', { fields: { order: 'o77' }, at: line('').at + 1000 }))
  log.write(line('third of 3 (a.b)', { step: null, index: null, attempt: null }))
  await log.close()
  expect(await messages(at, { index: 3 })).toEqual(['first'])
  expect(await messages(at, { attempt: 2 })).toEqual(['first'])
  expect(await messages(at, { since: line('').at + 1 })).toEqual(['second'])
  expect(await messages(at, { text: 'o77' })).toEqual(['second'])
  expect(await messages(at, { text: '(a.b)' })).toEqual(['third of 3 (a.b)'])
  expect(await messages(at, { text: /^(FIRST|third)/gi })).toEqual(['first', 'third of 3 (a.b)'])
})

test('a log that is followed gives what others write, whole lines only, and ends when its run has', async () => {
  const at = folder()
  const ours = open(at)
  ours.write(line('before'))
  ours.write(line('last before'))
  await ours.close()
  const file = path.join(at, RUN_LOG_FILE)
  const whole = readFileSync(file, 'utf8').split('\n')[0] ?? ''
  const [half, rest] = [whole.slice(0, 30), `${whole.slice(30)}\n`]
  const writes = [half, rest.replace('before', 'in two pieces'), '', `${whole.replace('before', 'at the end')}\n`]
  const seen: string[] = []
  const followed = streamRunLog(
    at,
    {},
    {
      clock: systemClock,
      lookMs: 1,
      last: 1,
      ended: () => {
        if (seen.length > 0) appendFileSync(file, writes.shift() ?? '')
        return Promise.resolve(seen.length > 0 && writes.length === 0)
      },
    },
  )
  for await (const batch of followed) seen.push(...batch.map((each) => each.message))
  expect(seen).toEqual(['last before', 'in two pieces', 'at the end'])
})

test('a log is followed from before its first line', async () => {
  const at = folder()
  const log = open(at)
  let looks = 0
  const ended = async (): Promise<boolean> => {
    looks += 1
    if (looks === 2) log.write(line('the first'))
    if (looks === 3) await log.close()
    return looks === 3
  }
  const seen: string[] = []
  for await (const batch of streamRunLog(at, {}, { clock: systemClock, lookMs: 1, ended })) {
    seen.push(...batch.map((each) => each.message))
  }
  expect(seen).toEqual(['the first'])
})

test('a log of many windows is given in parts, each line once and in order', async () => {
  const at = folder()
  const log = open(at)
  for (let index = 0; index < 5_000; index += 1) log.write(line(`${index} ü${'x'.repeat(index % 97)}`))
  await log.close()
  let largest = 0
  const numbers: number[] = []
  for await (const batch of streamRunLog(at, {})) {
    largest = Math.max(largest, batch.length)
    for (const { message } of batch) numbers.push(Number.parseInt(message, 10))
  }
  expect(numbers).toEqual(Array.from({ length: 5_000 }, (_, index) => index))
  expect(largest).toBeLessThan(1_000)
})
