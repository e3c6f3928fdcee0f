import { expect, test } from 'vitest'
import type { RunRow } from '../../store/index.ts'
import { scriptedRun } from '../fixtures/scripted-run.ts'
import type { ScriptedRun } from '../fixtures/scripted-run.ts'
import { endOf, patternOf, timeOf } from './logs.ts'

async function rowOf(it: ScriptedRun): Promise<RunRow> {
  const run = await it.store.getRun('run1')
  if (run === null) throw new Error('expected the run')
  return run
}

test('a log is followed until its run has ended, by whatever process, and its last lines are in', async () => {
  const it = await scriptedRun()
  await it.begin()
  const ended = endOf(it.store, await rowOf(it), it.clock)
  expect(await ended()).toBe(false)
  await it.store.cancelRun('run1', { by: 'another process', why: 'enough' })
  expect(await ended()).toBe(false)
  it.wait(999)
  expect(await ended()).toBe(false)
  it.wait(1)
  expect(await ended()).toBe(true)
  await it.store.close()
})

test('a run that had ended before is not waited for', async () => {
  const it = await scriptedRun()
  await it.begin()
  await it.store.cancelRun('run1', { by: 'test', why: 'enough' })
  expect(await endOf(it.store, await rowOf(it), it.clock)()).toBe(true)
  await it.store.close()
})

test('a text between slashes is a pattern with its flags, any other stands for itself', () => {
  expect(patternOf('a.b')).toBe('a.b')
  expect(patternOf('/a.b/i')).toEqual(/a.b/i)
  expect(patternOf('/tmp/')).toEqual(/tmp/)
  expect(patternOf('/tmp')).toBe('/tmp')
  expect(() => patternOf('/x(/')).toThrow(expect.objectContaining({ code: 'LOG_FILTER_INVALID' }) as Error)
})

test('a time is one that has passed, or a date; anything else is refused', async () => {
  const it = await scriptedRun()
  const now = it.clock.now()
  expect(timeOf('10min', it.clock)).toBe(now - 600_000)
  expect(timeOf('2026-02-01T00:00:00Z', it.clock)).toBe(Date.UTC(2026, 1, 1))
  for (const wrong of ['yesterday', '10 bananas', '10']) {
    expect(() => timeOf(wrong, it.clock)).toThrow(expect.objectContaining({ code: 'LOG_FILTER_INVALID' }) as Error)
  }
  await it.store.close()
})
