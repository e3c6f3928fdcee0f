import { expect, test } from 'vitest'
import { LiveBlock } from '../live-block.ts'
import { counters, stepRow, steps } from '../fixtures/rows.ts'
import type { StepView } from '../view.ts'
import { stepView } from '../view.ts'
import type { LiveView, Speed } from './live.ts'
import { liveLines, plainLines } from './live.ts'
import { paintNothing } from './paint.ts'
import { SpeedMeter } from './speed.ts'
import { displayWidth } from './text.ts'

const NO_SPEED: Speed = { perSecond: null, leftMs: null, fraction: null }

function live(over: Partial<LiveView> = {}): LiveView {
  const [rate, invoice] = steps()
  return {
    title: 'billing 2011-01',
    note: null,
    elapsedMs: 12_000,
    steps: [
      { ...rate!, state: 'running', speed: { perSecond: 12_300, leftMs: 3_000, fraction: 0.456 } },
      { ...invoice!, state: 'waiting', counters: counters(), retries: 0, speed: NO_SPEED },
    ],
    ...over,
  }
}

test('one line for each step: state, share, records, speed, time left, dead letters', () => {
  expect(liveLines(live(), { width: 100, height: 20, paint: paintNothing })).toEqual([
    'billing 2011-01  12 s',
    'step     state    done  records  records/s   left    dead',
    'rate     running  45 %   35,147    12.3k/s  3.0 s  12,197',
    'invoice  waiting',
  ])
})

test.each([100, 60, 40, 30])('no line of the block is wider than %i columns', (width) => {
  for (const line of liveLines(live({ note: 'SIGINT: stopping at the next commit, so that nothing is lost' }), {
    width,
    height: 20,
    paint: paintNothing,
  }))
    expect(displayWidth(line)).toBeLessThanOrEqual(width)
})

test('a block never takes more lines than the terminal has: steps under way stay', () => {
  const many = Array.from({ length: 30 }, (_, index) => ({
    ...stepView(
      stepRow({ name: `step${index}`, state: index === 20 ? 'running' : index < 20 ? 'succeeded' : 'waiting' }),
    ),
    speed: NO_SPEED,
  }))
  const lines = liveLines(live({ steps: many, note: 'x' }), { width: 80, height: 10, paint: paintNothing })
  expect(lines.length).toBeLessThanOrEqual(11)
  expect(lines.some((line) => line.startsWith('step20'))).toBe(true)
  expect(lines).toContain('… and 23 steps more')
})

test('elsewhere a line is written when a step changes state, and for progress only when asked', () => {
  const before: readonly StepView[] = live().steps.map((step) => ({ ...step, state: 'waiting' as const }))
  expect(plainLines(before, live(), false)).toEqual([
    'billing 2011-01  rate: running, 35,147 read, 22,950 written, 12,197 dead letters',
  ])
  expect(plainLines(live().steps, live(), false)).toEqual([])
  expect(plainLines(live().steps, live(), true)).toEqual([
    'billing 2011-01  rate: running, 35,147 read, 22,950 written, 12,197 dead letters, 45 %, 12.3k/s, 3.0 s left',
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

test('a frame overwrites the last in place and never clears first; a wrapped line counts as the rows it takes', () => {
  const written: string[] = []
  const canvas = { liveWidth: 40, draw: (text: string) => written.push(text) }
  const block = new LiveBlock(canvas)
  block.update(['one', 'x'.repeat(30)])
  block.update(['uno', 'two'])
  canvas.liveWidth = 20
  block.say(['said'])
  block.clear()
  expect(written).toEqual([
    '\x1b[?2026h\rone\x1b[K\n' + `${'x'.repeat(30)}\x1b[K\n` + '\x1b[J\x1b[?2026l',
    '\x1b[?2026h\r\x1b[2Auno\x1b[K\ntwo\x1b[K\n\x1b[J\x1b[?2026l',
    '\x1b[?2026h\r\x1b[2Asaid\x1b[K\nuno\x1b[K\ntwo\x1b[K\n\x1b[J\x1b[?2026l',
    '\x1b[?2026h\r\x1b[2A\x1b[J\x1b[?2026l',
  ])
})
