import { expect, test } from 'vitest'
import { BILLING, liveView, MANY, MOMENTS } from '../fixtures/live.ts'
import { counters, stepRow } from '../fixtures/rows.ts'
import { LiveBlock } from '../live-block.ts'
import { stepView } from '../view.ts'
import { inAscii } from './glyphs.ts'
import type { LiveStyle, Speed } from './live.ts'
import { liveLines } from './live.ts'
import { paintAnsi, paintNothing } from './paint.ts'
import { plainLines } from './plain.ts'
import { SpeedMeter } from './speed.ts'
import { displayWidth } from './text.ts'

/** All moments one under the other, as a reader can look at them. */
function screens(style: LiveStyle, encode = (text: string): string => text): string {
  return Object.entries(MOMENTS)
    .map(([name, view]) => `[${name}]\n${encode(liveLines(view, style).join('\n'))}\n`)
    .join('\n')
}

test.each([120, 80, 40])('the block at %i columns looks as recorded', async (width) => {
  const style = { width: width - 1, height: 23, paint: paintNothing }
  await expect(screens(style)).toMatchFileSnapshot(`screens/live-${width}.txt`)
})

test('the block in colour looks as recorded: colours stand for states and for what needs a look', async () => {
  const text = screens({ width: 79, height: 23, paint: paintAnsi })
  await expect(text.replaceAll('\x1b', '^')).toMatchFileSnapshot('screens/live-80-colour.txt')
})

test('the block in ASCII has the same columns', async () => {
  const style = { width: 79, height: 23, paint: paintNothing }
  await expect(screens(style, inAscii)).toMatchFileSnapshot('screens/live-80-ascii.txt')
  for (const view of Object.values(MOMENTS)) {
    const lines = liveLines(view, style)
    expect(lines.map((line) => displayWidth(inAscii(line)))).toEqual(lines.map(displayWidth))
  }
})

const SIZES = [200, 120, 80, 60, 40, 30, 20].flatMap((width) =>
  [40, 10, 4, 2, 1].map((height) => [width, height] as const),
)

test.each(SIZES)('every moment stays inside %i columns and %i lines', (width, height) => {
  for (const view of Object.values(MOMENTS)) {
    const lines = liveLines(view, { width, height, paint: paintAnsi })
    expect(lines.length).toBeLessThanOrEqual(height)
    for (const line of lines) expect(displayWidth(line), line).toBeLessThanOrEqual(width)
  }
})

test('where the tree is taller than the terminal, the steps under way stay and the others are counted', () => {
  const lines = liveLines(liveView({ steps: MANY, note: 'x' }), { width: 80, height: 10, paint: paintNothing })
  expect(lines.some((line) => line.includes('step20'))).toBe(true)
  expect(lines).toContain('… and 20 succeeded, 3 waiting')
})

test('elsewhere a line is written when a step changes state, and for progress only when asked', () => {
  const view = liveView({ steps: BILLING.running })
  const before = view.steps.map((step) => ({ ...step, state: 'waiting' as const }))
  expect(plainLines(before, view, false)).toEqual([
    'billing 2011-01  rate: running, 15,902 read, 9,800 written, 6,102 dead letters, 1 retry',
  ])
  expect(plainLines(view.steps, view, false)).toEqual([])
  expect(plainLines(view.steps, view, true)).toEqual([
    'billing 2011-01  rate: running, 15,902 read, 9,800 written, 6,102 dead letters, 1 retry, 45 %, 12.3k/s, 3.1 s left',
  ])
})

test('speed is measured over the last seconds, and starts anew when a lost attempt takes records back', () => {
  const meter = new SpeedMeter()
  const at = (ms: number, read: number): Speed =>
    meter.measure({ ...stepView(stepRow({ counters: counters({ read }) })), expected: 100_000 }, ms)
  expect(at(0, 0)).toMatchObject({ perSecond: null, leftMs: null, fraction: 0 })
  expect(at(1_000, 10_000)).toMatchObject({ perSecond: 10_000, leftMs: 9_000, fraction: 0.1 })
  for (let second = 2; second <= 20; second += 1) at(second * 1_000, 10_000 + (second - 1) * 1_000)
  expect(at(21_000, 30_000).perSecond).toBeCloseTo(1_000, -2)
  expect(at(22_000, 5_000).perSecond).toBeNull()
})

test('where the plan cannot tell the records, partitions under way count with what they have done of their own', () => {
  const step = stepView(stepRow({ tasks: 4, tasksDone: 1 }))
  expect(new SpeedMeter().measure(step, 0, [0.5, 0.25])).toMatchObject({ fraction: 0.4375, leftMs: null })
})

test('a frame overwrites the last in place and never clears first; a wrapped line counts as the rows it takes', () => {
  const written: string[] = []
  const canvas = {
    liveWidth: 39,
    draw: (text: string) => written.push(text),
    hideCursor: () => written.push('hide'),
    showCursor: () => written.push('show'),
  }
  const block = new LiveBlock(canvas)
  block.update(['one', 'x'.repeat(30)])
  block.update(['uno', 'two'])
  block.update(['uno', 'two'])
  canvas.liveWidth = 19
  block.say(['said'])
  block.clear()
  expect(written).toEqual([
    'hide',
    '\x1b[?2026h\rone\x1b[K\n' + `${'x'.repeat(30)}\x1b[K\n` + '\x1b[J\x1b[?2026l',
    '\x1b[?2026h\r\x1b[2Auno\x1b[K\ntwo\x1b[K\n\x1b[J\x1b[?2026l',
    '\x1b[?2026h\r\x1b[2Asaid\x1b[K\nuno\x1b[K\ntwo\x1b[K\n\x1b[J\x1b[?2026l',
    '\x1b[?2026h\r\x1b[2A\x1b[J\x1b[?2026l',
    'show',
  ])
})
