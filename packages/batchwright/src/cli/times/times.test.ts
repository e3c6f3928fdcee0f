import { expect, test } from 'vitest'
import type { TaskKind } from '../../protocol/index.ts'
import type { AttemptRow, AttemptTotals } from '../../store/index.ts'
import { stepRow, runRow } from '../fixtures/rows.ts'
import { paintNothing } from '../render/paint.ts'
import { displayWidth } from '../render/text.ts'
import { pictureColumns, timelineLines } from '../render/timeline.ts'
import { stepView } from '../view.ts'
import { criticalPath } from './critical-path.ts'
import type { RunTimes } from './gather.ts'
import { whereTime } from './where.ts'

interface Phase {
  readonly step: string
  readonly kind: TaskKind
  readonly from: number
  readonly to: number
  readonly tasks?: number
  readonly longest?: number
  readonly most?: number
  readonly lost?: number
  readonly work?: number
  readonly alone?: number
}

/** A run made of phases; times in milliseconds since its beginning. */
function times(after: Readonly<Record<string, readonly string[]>>, phases: readonly Phase[], buckets = 10): RunTimes {
  const to = Math.max(...phases.map((phase) => phase.to))
  return {
    run: runRow(),
    steps: Object.entries(after).map(([name, before]) => stepView(stepRow({ name, after: before }))),
    from: 0,
    to,
    takenUp: false,
    totals: phases.map(totals),
    activity: {
      lanes: phases.map(({ step, kind, most = 1, alone = 0, from, to: end }) => ({
        step,
        kind,
        mean: Array.from({ length: buckets }, (_, bucket) => {
          const at = ((bucket + 0.5) * to) / buckets
          return at >= from && at < end ? most : 0
        }),
        most,
        aloneMs: alone,
      })),
      most: 2,
      idle: [],
    },
    longest: phases.filter(({ kind }) => kind === 'partition').map(attempt),
  }
}

function totals({ step, kind, from, to, tasks = 1, longest = to - from, lost = 0, work }: Phase): AttemptTotals {
  const succeededMs = work ?? to - from
  return {
    runId: 'r',
    step,
    kind,
    attempts: tasks + (lost > 0 ? 1 : 0),
    tasks,
    outcomes: { succeeded: tasks, ...(lost > 0 ? { crashed: 1 } : {}) },
    firstLeasedAt: from,
    lastLeasedAt: from,
    lastEndedAt: to,
    busyMs: succeededMs + lost,
    succeededMs,
    read: 1000,
    longest: { index: 0, ms: longest },
    last: { index: 3, ms: longest },
  }
}

function attempt({ step, from, longest = 1 }: Phase): AttemptRow {
  return {
    taskId: 1,
    fence: 1,
    step,
    kind: 'partition',
    index: 3,
    label: 'a file with a long name 2011-01-04.csv.gz',
    worker: { workerId: 'w', host: 'h', pid: 77, lastSeenAt: 0 },
    slot: 1,
    leasedAt: from,
    startedAt: from,
    endedAt: from + longest,
    workedMs: longest,
    outcome: 'succeeded',
    reason: null,
    delayMs: null,
    from: { sequence: 0, read: 0 },
    checkpoints: 0,
    checkpointedAt: null,
    read: 500,
  }
}

const DIAMOND = { read: [], left: ['read'], right: ['read'], join: ['left', 'right'] }
const DIAMOND_PHASES: readonly Phase[] = [
  { step: 'read', kind: 'plan', from: 0, to: 100 },
  { step: 'read', kind: 'partition', from: 100, to: 1000, tasks: 4, most: 2, work: 1800 },
  { step: 'left', kind: 'partition', from: 1000, to: 1200 },
  { step: 'right', kind: 'partition', from: 1000, to: 3000, tasks: 4, most: 2, longest: 1500, work: 2500, alone: 1000 },
  { step: 'right', kind: 'verify', from: 3000, to: 3100 },
  { step: 'join', kind: 'partition', from: 3600, to: 4000 },
  { step: 'join', kind: 'publish', from: 4000, to: 4100 },
]

test('the critical path goes back from the end through what was ready last, waits included', () => {
  const path = criticalPath(times(DIAMOND, DIAMOND_PHASES))
  expect(path?.stretches.map(({ step, phase, from, to }) => [step, phase, to - from])).toEqual([
    ['read', 'plan', 100],
    ['read', 'partition', 900],
    ['right', 'partition', 2000],
    ['right', 'verify', 100],
    ['join', 'wait', 500],
    ['join', 'partition', 400],
    ['join', 'publish', 100],
  ])
})

test('the stretches follow each other without a gap from the beginning to the end', () => {
  const path = criticalPath(times(DIAMOND, DIAMOND_PHASES))
  let at = 0
  for (const { from, to } of path?.stretches ?? []) {
    expect(from).toBe(at)
    at = to
  }
  expect(at).toBe(4100)
})

test('spread evenly a step takes no less than its longest partition, nor than its work over its slots', () => {
  const path = criticalPath(times(DIAMOND, DIAMOND_PHASES))
  // right: 2000 ms, its longest partition 1500, its work over two slots 1250
  expect(path?.evenlyMs).toBe(500)
  expect(path?.smallerMs).toBe(750)
  expect(path?.floorMs).toBe(100 + 900 + 1500 + 100 + 400 + 100)
})

test('where the longest partition decides, smaller ones are what would help', () => {
  const known = times({ a: [] }, [
    { step: 'a', kind: 'partition', from: 0, to: 1000, tasks: 3, most: 2, longest: 1000, work: 1200, alone: 800 },
  ])
  const path = criticalPath(known)
  expect(path).toMatchObject({ evenlyMs: 0, smallerMs: 400 })
  const text = timelineLines(
    { times: known, path, where: whereTime(known), tasks: false },
    { width: 400, paint: paintNothing },
  ).join(' ')
  expect(text).toContain(
    'The longest partition decided: cut smaller, for the same slots, the run would be about 0.4 s (40.0 %) shorter.',
  )
})

test('attempts that were lost count as what could be saved, not as work', () => {
  const path = criticalPath(
    times({ a: [] }, [
      { step: 'a', kind: 'partition', from: 0, to: 1000, tasks: 2, most: 2, longest: 300, work: 500, lost: 900 },
    ]),
  )
  expect(path).toMatchObject({ lostMs: 900, evenlyMs: 700, floorMs: 300 })
})

test('a run that nobody has worked on has no critical path and no picture', () => {
  const nothing = { ...times({ a: [] }, [{ step: 'a', kind: 'plan', from: 0, to: 1 }]), totals: [] }
  expect(criticalPath(nothing)).toBeNull()
  expect(
    timelineLines(
      { times: nothing, path: null, where: whereTime(nothing), tasks: false },
      { width: 80, paint: paintNothing },
    ),
  ).toEqual([])
})

test('slot time is told by what it was for; what was lost stands by itself', () => {
  const known = times({ a: [] }, [
    { step: 'a', kind: 'plan', from: 0, to: 100 },
    { step: 'a', kind: 'partition', from: 100, to: 1000, work: 900, lost: 300 },
  ])
  expect(whereTime(known).shares).toEqual([
    { what: 'planning', ms: 100 },
    { what: 'partitions', ms: 900 },
    { what: 'lost attempts', ms: 300 },
  ])
})

function picture(width: number, tasks: boolean): readonly string[] {
  const columns = pictureColumns(width, Object.keys(DIAMOND))
  const known = times(DIAMOND, DIAMOND_PHASES, columns)
  return timelineLines(
    { times: known, path: criticalPath(known), where: whereTime(known), tasks },
    { width, paint: paintNothing },
  )
}

test.each([120, 80, 40])('at %i columns the picture fits, with and without partitions', (width) => {
  for (const line of [...picture(width, false), ...picture(width, true)]) {
    expect(displayWidth(line), line).toBeLessThanOrEqual(width)
  }
})

test('a step is drawn where it stood in time, with what it was doing', () => {
  expect(picture(60, false).slice(1, 9)).toEqual([
    '  timeline',
    '    read        ░███████                               1.0 s',
    '    left                ▄                              0.2 s',
    '    right               ███████████████▒               2.1 s',
    '    join                                    ▄▄▄▓       0.5 s',
    '                0                          4.1 s',
    '    ▁-█ partitions at once, up to 2, ░ planning, ▒',
    '    verifying, ▓ publishing',
  ])
})
