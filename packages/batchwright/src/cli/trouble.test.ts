import { expect, test } from 'vitest'
import { BatchwrightError } from '../kernel/errors.ts'
import { VirtualClock } from '../testing/virtual-clock.ts'
import { tellTrouble } from './trouble.ts'

const full = new BatchwrightError({ code: 'STORE_FULL', message: 'the disk is full', hint: 'free space' })
const busy = new BatchwrightError({ code: 'STORE_BUSY', message: 'locked' })

/** Lets a teller hear of an error every `everyMs`, and gives what it said, with the time. */
async function said(error: BatchwrightError, everyMs: number, tries: number): Promise<readonly string[]> {
  const clock = new VirtualClock()
  const lines: string[] = []
  const teller = tellTrouble((told) => lines.push(...told), clock)
  for (let index = 0; index < tries; index += 1) {
    teller.failed(error)
    await clock.runUntil(clock.sleep(everyMs))
  }
  return lines
}

test('trouble with the store is told once with what to do, and again after a minute', async () => {
  expect(await said(full, 2_000, 32)).toEqual([
    'waiting for the store: the disk is full',
    '  hint  Free space.',
    '  The run goes on by itself as soon as the store can be written; Ctrl-C is safe too.',
    'still waiting after 1 min 00 s: the disk is full',
  ])
})

test('a store that is busy for a moment is not worth a word; one that stays so is', async () => {
  expect(await said(busy, 100, 15)).toEqual([])
  expect(await said(busy, 100, 40)).toContain('waiting for the store: locked')
  expect(await said(busy, 11_000, 5)).toEqual([])
})
