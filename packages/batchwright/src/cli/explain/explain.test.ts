import { expect, test } from 'vitest'
import { ownIdentity } from '../../engine/index.ts'
import { NO_COUNTERS } from '../../protocol/index.ts'
import { AWAY, scriptedRun } from '../fixtures/scripted-run.ts'
import type { ScriptedRun } from '../fixtures/scripted-run.ts'
import { selectPlace } from '../place.ts'
import { displayWidth } from '../render/text.ts'
import { paintNothing } from '../render/paint.ts'
import { storyJson, storyLines } from '../render/story.ts'
import { gatherRunFacts } from './facts.ts'
import { runStory } from './run-story.ts'
import type { Story } from './sentence.ts'
import { gatherStepFacts, stepStory } from './step-story.ts'
import { gatherTaskFacts, taskStory } from './task-story.ts'

/** The story of a run, a step or a task, as `explain` tells it. */
async function story(it: ScriptedRun, what = 'run1'): Promise<Story> {
  const { run, step, task } = await selectPlace(it.store, what)
  if (step !== null && task !== null) return taskStory(await gatherTaskFacts(it.store, { run, step, task }))
  const facts = await gatherRunFacts(it.store, run)
  return step === null ? runStory(facts) : stepStory(await gatherStepFacts(it.store, facts, step))
}

/** The sentences of one kind. */
async function told(it: ScriptedRun, kind: string, what?: string): Promise<readonly string[]> {
  const { chapters } = await story(it, what)
  return chapters.flatMap(({ sentences }) => sentences.filter((each) => each.kind === kind).map(({ text }) => text))
}

test('a run says by whom it was started, and what it waited for before its first task', async () => {
  const it = await scriptedRun()
  await it.begin()
  it.wait(5_000)
  await it.plan(1)
  expect(await told(it, 'started')).toEqual(['It was started by hand (anna on build-1).'])
  expect(await told(it, 'waited')).toEqual(['It waited 5.0 s before its first task: no worker had a slot for it.'])
  await it.store.close()
})

test('what was done about slow partitions is told with its reason, and a piece says where it was cut off', async () => {
  const it = await scriptedRun()
  await it.begin()
  await it.plan(2)
  const [cut, uncut] = [await it.claim(), await it.claim()]
  await it.store.askSplit(uncut, 2)
  await it.store.declineSplit(uncut, 'a compressed file can only be read from its beginning')
  await it.store.askSplit(cut, 2)
  const piece = { payload: null, label: 'lines.csv records 1-600', records: 600, bytes: null }
  const rest = { payload: null, label: 'lines.csv records 601-1000', records: 400, bytes: null }
  await it.checkpoint(cut, 10, { own: piece, rest: [rest] })
  expect(await told(it, 'not-split')).toEqual([
    'Slots were idle, but partition 1 of step rate was not cut: a compressed file can only be read from its beginning.',
  ])
  expect(await told(it, 'split')).toEqual([
    'Slots were idle, so partition 0 of step rate gave away its last 400 records while it ran, as partition 2.',
  ])
  expect(await told(it, 'cut-off', 'run1/rate/2')).toEqual([
    'It was cut off partition 0 while that ran, because slots were idle.',
  ])
  await it.store.askCopy(uncut, { runningMs: 90_000, expectedMs: 20_000, leftMs: null })
  expect(await told(it, 'copied')).toEqual([
    'The attempt at partition 1 of step rate had run for 1 min 30 s, where its siblings took 20 s for as much, and it did not move any more: a copy was made of it, from its last checkpoint on.',
  ])
  await it.succeed(uncut)
  expect(await told(it, 'copy-dropped')).toEqual([
    'The copy of partition 1 of step rate was dropped: the original was first.',
  ])
  await it.store.close()
})

test('a revision and a replay say what they are', async () => {
  const it = await scriptedRun()
  await it.begin()
  await it.plan(1)
  for (let left = 3; left > 0; left -= 1) await it.succeed(await it.claim())
  await it.begin({ runId: 'run2', revision: 'next' })
  expect(await told(it, 'started', 'run2')).toEqual([
    'It was started by hand (anna on build-1) as revision 2: the same window and parameters, on a new snapshot.',
  ])
  const replay = {
    ofRunId: 'run1',
    step: 'rate',
    file: '/mended.jsonl',
    deadLetters: ['a', 'b'],
    partitions: [0],
    adopted: [],
  }
  await it.begin({ runId: 'run3', revision: 'next', replay })
  expect((await told(it, 'started', 'run3'))[0]).toContain('2 dead letters of step rate of run run1 once more')
  expect((await told(it, 'adopted', 'run3'))[0]).toContain('1 of 1 partition run again')
  await it.store.close()
})

test('each retry has its cause and its delay; many are summed up by step and cause', async () => {
  const it = await scriptedRun()
  await it.begin()
  await it.plan(1)
  await it.end(await it.claim(), { kind: 'retry', error: AWAY, delayMs: 2_000 })
  expect(await told(it, 'retried')).toEqual([
    'Partition 0 of step rate failed with RATES_AWAY: the rate service is away. It was to be tried again 2.0 s later.',
  ])
  expect(await told(it, 'waiting')).toEqual(['It waits for a retry that is due in 2.0 s.'])
  expect(await told(it, 'waiting', 'run1/rate/0')).toEqual(['It waits for its retry, which is due in 2.0 s.'])
  for (let turn = 0; turn < 12; turn += 1) {
    it.wait(2_000)
    await it.end(await it.claim(), { kind: 'retry', error: AWAY, delayMs: 2_000 })
  }
  expect(await told(it, 'retried')).toEqual([
    'In step rate, 13 attempts failed with RATES_AWAY and were retried 2.0 s later on average, over 24 s.',
  ])
  await it.store.close()
})

test('a dead worker is told with the checkpoint its task went on from, and what was done again', async () => {
  const it = await scriptedRun()
  await it.begin()
  await it.plan(1)
  const lost = await it.claim()
  it.wait(1_000)
  await it.checkpoint(lost, 40)
  it.wait(1_500)
  await it.store.renew('w1', [lost])
  it.wait(8_000)
  expect((await told(it, 'waiting'))[0]).toContain('the lease ran out 2.0 s ago')
  await it.store.reap([], { crashes: 3 })
  await it.worker('w2')
  await it.claim('w2')
  expect(await told(it, 'worker-died')).toEqual([
    'Worker w1 was found dead (its lease ran out) while it held 1 task of step rate; they were given to others. ' +
      'Partition 0 (file-0.csv) went on from its checkpoint after 40 records; what the dead worker did after that ' +
      '(its last sign of life came 1.5 s later) was done again.',
  ])
  expect(await told(it, 'attempt', 'run1/rate/0')).toEqual([
    expect.stringContaining('Attempt 1: process 7 on build-1, slot 1, from its beginning. Its worker died'),
    expect.stringContaining('Attempt 2: process 7 on build-1, slot 1, from checkpoint 1 (40 records).'),
  ])
  await it.store.close()
})

test('a worker whose process is gone from this machine is not said to be at work, though its lease still holds', async () => {
  const it = await scriptedRun()
  await it.begin()
  await it.plan(1)
  await it.worker('here', { ...ownIdentity(), processStart: 'of another process with this id' })
  await it.claim('here')
  expect(await told(it, 'at-work')).toEqual([])
  expect((await told(it, 'waiting'))[0]).toMatch(/^It waits: process \d+ on .+ held 1 task and is gone\. Whoever works/)
  await it.store.close()
})

test('a night between a death and its being found is no work of the dead attempt, and is told as idle', async () => {
  const it = await scriptedRun()
  await it.begin()
  await it.plan(1)
  const lost = await it.claim()
  it.wait(1_000)
  await it.checkpoint(lost, 40)
  it.wait(8 * 3_600_000)
  await it.store.reap([], { crashes: 3 })
  await it.worker('w2')
  await it.succeed(await it.claim('w2'))
  expect((await told(it, 'attempt', 'run1/rate/0'))[0]).toContain(
    'Its worker died: its last sign of life came after 1.0 s, and it was found after 8 h 00 min that its lease ran out',
  )
  expect((await told(it, 'idle'))[0]).toContain('Nothing of it ran for 8 h 00 min')
  await it.store.close()
})

test('a run that failed is told to go on with the job file as it is then, for it does', async () => {
  const it = await scriptedRun()
  await it.begin()
  await it.plan(1)
  expect((await told(it, 'code'))[0]).toContain('changes of the job file since then are not in it')
  await it.end(await it.claim(), { kind: 'failed', error: AWAY })
  expect((await told(it, 'code'))[0]).toContain('taken up again, it goes on with the job file as it is then')
  await it.store.close()
})

test('a failed run that a later revision has overtaken says so, and leads there and not to a retry, which is refused', async () => {
  const it = await scriptedRun()
  await it.begin()
  await it.plan(1)
  await it.end(await it.claim(), { kind: 'failed', error: AWAY })
  expect(await told(it, 'next')).toContain('batchwright retry run1')
  await it.begin({
    runId: 'run2',
    revision: 'next',
    steps: [{ name: 'rate', kind: 'records', after: [], publish: 'none' }],
  })
  await it.plan(1)
  for (let left = 2; left > 0; left -= 1) await it.succeed(await it.claim())
  expect(await told(it, 'overtaken')).toEqual([
    'Revision 2 has succeeded since, run run2: there is nothing to mend here.',
  ])
  expect(await told(it, 'next')).toEqual(['batchwright show run2', 'batchwright explain run1/rate'])
  expect((await told(it, 'not-published'))[0]).not.toContain('versions of before')
  await it.store.close()
})

test('what was verified is told of a step', async () => {
  const it = await scriptedRun()
  await it.begin()
  await it.plan(1)
  await it.succeed(await it.claim())
  const checks = [{ kind: 'check', name: 'unique(key)', passed: true, expected: 'no two', found: 'none' }]
  const output = { counters: NO_COUNTERS, controls: {}, outputs: {}, deadLetters: [], result: { checks } }
  await it.end(await it.claim(), { kind: 'succeeded', output })
  expect(await told(it, 'held', 'run1/rate')).toEqual(['The check unique(key) held: none.'])
  await it.store.close()
})

test('a step that gets no slot says which pool or which tenant it waits for, and how much of it is in use', async () => {
  const it = await scriptedRun()
  await it.store.setPool('db', { slots: 1 }, 'cli')
  await it.begin({
    tenant: 'acme',
    steps: [{ name: 'rate', kind: 'records', after: [], publish: 'together', pool: 'db' }],
  })
  await it.plan(2)
  const task = await it.claim()
  expect((await told(it, 'waiting')).at(-1)).toBe('Step rate waits for a place in pool db: 1 of 1 in use.')
  await it.store.setPool('db', { slots: null }, 'cli')
  await it.store.setTenant('acme', { slots: 1 }, 'cli')
  expect((await told(it, 'waiting')).at(-1)).toBe(
    'Step rate waits for tenant acme: 1 of its 1 tasks at once are at work.',
  )
  await it.store.giveBack([task])
  await it.store.setPool('db', { open: false }, 'cli')
  expect(await told(it, 'waiting')).toEqual(['Step rate waits: pool db is closed until `batchwright pools open db`.'])
})

test('a pause is told with who asked for it, and the time in which nothing ran with its reason', async () => {
  const it = await scriptedRun()
  await it.begin()
  await it.plan(1)
  await it.store.pauseRun('run1', true, 'cli ben@desk')
  expect(await told(it, 'waiting')).toEqual(['It is paused: nothing is handed out until it is resumed.'])
  it.wait(60_000)
  await it.store.pauseRun('run1', false, 'cli ben@desk')
  await it.succeed(await it.claim())
  expect(await told(it, 'paused')).toEqual(['It was paused by hand (ben on desk): no more tasks were handed out.'])
  expect(await told(it, 'idle')).toEqual(['Nothing of it ran for 1 min 00 s: it was paused.'])
  await it.store.close()
})

test('a blocked step names the rule, what it allows and what was found; nothing of it was published', async () => {
  const it = await scriptedRun()
  await it.begin()
  await it.plan(1)
  await it.succeed(await it.claim())
  const finding = {
    kind: 'limit',
    name: 'rejects by zero',
    expected: 'at most 1 %',
    found: '7 of 100',
    samples: ['k1'],
  }
  const error = { code: 'VERIFICATION_FAILED', message: 'blocked', retryable: false, details: { failed: [finding] } }
  await it.end(await it.claim(), { kind: 'failed', error })
  expect(await told(it, 'blocked')).toEqual([
    'Step rate was blocked, because a limit was passed: rejects by zero, expected at most 1 %, found 7 of 100. For example k1.',
  ])
  expect((await told(it, 'not-published'))[0]).toContain('Nothing of rate was published')
  expect(await told(it, 'next')).toContain('batchwright retry run1')
  await it.store.close()
})

test('a run that was taken up again tells the failure before, by whom and how long it lay', async () => {
  const it = await scriptedRun()
  await it.begin()
  await it.plan(1)
  it.wait(100)
  await it.end(await it.claim(), { kind: 'failed', error: AWAY })
  it.wait(30_000)
  await it.store.reopenRun('run1', { by: 'cli anna@build-1', from: 'rate' })
  await it.plan(1)
  for (let left = 3; left > 0; left -= 1) await it.succeed(await it.claim())
  expect(await told(it, 'failed')).toEqual([
    'It failed in partition 0 of step rate with RATES_AWAY: the rate service is away.',
  ])
  expect(await told(it, 'reopened')).toEqual(['It was taken up again by hand (anna on build-1), from step rate on.'])
  expect(await told(it, 'idle')).toEqual(['It lay failed for 30 s, until it was taken up again.'])
  expect(await told(it, 'succeeded')).toHaveLength(1)
  const happened = (await story(it)).chapters.find(({ title }) => title === 'what happened')
  expect(happened?.sentences.map(({ kind }) => kind)).toEqual(['failed', 'idle', 'reopened'])
  await it.store.close()
})

test('a wrong step and a wrong partition get the nearest that there is', async () => {
  const it = await scriptedRun()
  await it.begin()
  await it.plan(3)
  const refused = (what: string): Promise<unknown> =>
    selectPlace(it.store, what).then(String, (thrown: unknown) => thrown)
  expect(await refused('run1/raet')).toMatchObject({ code: 'STEP_UNKNOWN', hint: 'did you mean "rate"?' })
  expect(await refused('run1/rate/3')).toMatchObject({
    code: 'TASK_UNKNOWN',
    message: expect.stringContaining('3 partitions, from 0 to 2') as string,
  })
  expect(await refused('run1/rate/verifi')).toMatchObject({ hint: 'did you mean run1/rate/verify?' })
  expect(await refused('nothing')).toMatchObject({ code: 'RUN_UNKNOWN' })
  expect((await selectPlace(it.store, 'billing/rate/2')).task).toEqual({ kind: 'partition', index: 2 })
  await it.store.close()
})

test.each([120, 80, 40])('at %i columns no line is wider, commands excepted', async (width) => {
  const it = await scriptedRun()
  await it.begin()
  await it.plan(1)
  await it.end(await it.claim(), { kind: 'failed', error: AWAY })
  for (const what of ['run1', 'run1/rate', 'run1/rate/0']) {
    const lines = storyLines(await story(it, what), { width, paint: paintNothing })
    expect(lines.filter((line) => displayWidth(line) > width && !line.startsWith('  batchwright'))).toEqual([])
  }
  await it.store.close()
})

test('as JSON each sentence has its chapter, time, kind and facts', async () => {
  const it = await scriptedRun()
  await it.begin()
  await it.plan(1)
  expect(storyJson(await story(it), { run: 'run1' })).toMatchObject({
    run: 'run1',
    sentences: [
      {
        chapter: 'how it began',
        at: '2026-03-01T10:00:00.000Z',
        kind: 'started',
        facts: { by: 'cli anna@build-1', revision: 1, replayOf: null },
      },
      { kind: 'code', at: null, facts: { codeVersion: 'c0ffee' } },
      { kind: 'waiting' },
      { kind: 'not-published' },
      { kind: 'next' },
      { kind: 'next' },
    ],
  })
  await it.store.close()
})
