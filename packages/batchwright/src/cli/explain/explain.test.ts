import { expect, test } from 'vitest'
import type { Clock } from '../../kernel/clock.ts'
import { systemClock } from '../../kernel/clock.ts'
import type { ErrorReport } from '../../kernel/errors.ts'
import type { ClaimedTask, NewRun, Store, TaskEnd } from '../../store/index.ts'
import { openSqliteStore } from '../../store/index.ts'
import { selectPlace } from '../place.ts'
import { displayWidth } from '../render/text.ts'
import { paintNothing } from '../render/paint.ts'
import { storyJson, storyLines } from '../render/story.ts'
import { gatherRunFacts } from './facts.ts'
import { runStory } from './run-story.ts'
import type { Story } from './sentence.ts'
import { gatherStepFacts, stepStory } from './step-story.ts'
import { gatherTaskFacts, taskStory } from './task-story.ts'

const COUNTERS = {
  read: 0,
  accepted: 0,
  written: 0,
  dropped: 0,
  deadByRule: 0,
  deadByContract: 0,
  deadByError: 0,
  reasons: {},
  bytesRead: 0,
  bytesWritten: 0,
  retries: 0,
}
const AWAY: ErrorReport = { code: 'RATES_AWAY', message: 'the rate service is away.', retryable: true }

/** A store in memory whose time the test moves, and the moves that a worker makes. */
class Script {
  readonly store: Store
  readonly #time: { now: number }
  #claims = 0

  constructor(store: Store, time: { now: number }) {
    this.store = store
    this.#time = time
  }

  wait(ms: number): void {
    this.#time.now += ms
  }

  async begin(parts: Partial<NewRun> = {}): Promise<void> {
    await this.store.createRun({
      runId: 'run1',
      job: 'billing',
      window: null,
      identity: 'one',
      revision: 'same',
      parameters: {},
      codeVersion: 'c0ffee',
      artifactPath: '/code.mjs',
      logicalTime: '2026-01-01T00:00:00Z',
      seed: 1,
      steps: [{ name: 'rate', kind: 'records', after: [], publish: 'together' }],
      requestedBy: 'cli anna@build-1',
      replay: null,
      ...parts,
    })
    await this.worker('w1')
  }

  worker(workerId: string): Promise<void> {
    return this.store.registerWorker({
      workerId,
      host: 'build-1',
      bootId: 'boot',
      pid: 7,
      processStart: '1',
      leaseMs: 6_000,
    })
  }

  async claim(workerId = 'w1', limit = 1): Promise<ClaimedTask> {
    this.#claims += 1
    const [task] = await this.store.claim({ workerId, claimId: `c${this.#claims}`, limit })
    if (task === undefined) throw new Error('expected a task to claim')
    await this.store.start([{ ...task, slot: 1 }])
    return task
  }

  async plan(partitions: number): Promise<void> {
    const task = await this.claim()
    const made = Array.from({ length: partitions }, (_, index) => ({
      index,
      payload: null,
      label: `file-${index}.csv`,
      records: 100,
      bytes: 1000,
    }))
    await this.store.addPartitions(task, made)
    const plan = { snapshot: null, partitions, fingerprint: 'f', notes: [] }
    await this.end(task, { kind: 'planned', plan })
  }

  async end(task: ClaimedTask, end: TaskEnd): Promise<void> {
    expect(await this.store.finish([{ taskId: task.taskId, fence: task.fence, end }])).toEqual(['done'])
  }

  succeed(task: ClaimedTask, read = 100): Promise<void> {
    const counters = { ...COUNTERS, read, accepted: read, written: read }
    const output = { counters, controls: {}, outputs: {}, deadLetters: [], result: [] }
    return this.end(task, { kind: 'succeeded', output })
  }

  async checkpoint(task: ClaimedTask, read: number): Promise<void> {
    const checkpoint = {
      engine: 1 as const,
      sequence: 1,
      position: null,
      counters: { ...COUNTERS, read },
      controls: {},
      outputs: {},
      deadLetters: { sealed: [], open: null },
      state: null,
      codeVersion: 'c0ffee',
    }
    await this.store.checkpoint([{ ...task, checkpoint }])
  }

  async story(what = 'run1'): Promise<Story> {
    const { run, step, task } = await selectPlace(this.store, what)
    if (step !== null && task !== null) return taskStory(await gatherTaskFacts(this.store, { run, step, task }))
    const facts = await gatherRunFacts(this.store, run)
    return step === null ? runStory(facts) : stepStory(await gatherStepFacts(this.store, facts, step))
  }

  /** The sentences of one kind. */
  async told(kind: string, what?: string): Promise<readonly string[]> {
    const { chapters } = await this.story(what)
    return chapters.flatMap(({ sentences }) => sentences.filter((each) => each.kind === kind).map(({ text }) => text))
  }
}

async function script(): Promise<Script> {
  const time = { now: Date.parse('2026-03-01T10:00:00Z') }
  const clock: Clock = {
    now: () => time.now,
    monotonic: () => time.now,
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
    after: (ms, callback, options) => systemClock.after(ms, callback, options),
  }
  return new Script(await openSqliteStore({ path: ':memory:', clock }), time)
}

test('a run says by whom it was started, and what it waited for before its first task', async () => {
  const it = await script()
  await it.begin()
  it.wait(5_000)
  await it.plan(1)
  expect(await it.told('started')).toEqual(['It was started by hand (anna on build-1).'])
  expect(await it.told('waited')).toEqual(['It waited 5.0 s before its first task: no worker had a slot for it.'])
  await it.store.close()
})

test('a revision and a replay say what they are', async () => {
  const it = await script()
  await it.begin()
  await it.plan(1)
  for (let left = 3; left > 0; left -= 1) await it.succeed(await it.claim())
  await it.begin({ runId: 'run2', revision: 'next' })
  expect(await it.told('started', 'run2')).toEqual([
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
  expect((await it.told('started', 'run3'))[0]).toContain('2 dead letters of step rate of run run1 once more')
  expect((await it.told('adopted', 'run3'))[0]).toContain('1 of 1 partition run again')
  await it.store.close()
})

test('each retry has its cause and its delay; many are summed up by step and cause', async () => {
  const it = await script()
  await it.begin()
  await it.plan(1)
  await it.end(await it.claim(), { kind: 'retry', error: AWAY, delayMs: 2_000 })
  expect(await it.told('retried')).toEqual([
    'Partition 0 of step rate failed with RATES_AWAY: the rate service is away. It was to be tried again 2.0 s later.',
  ])
  expect(await it.told('waiting')).toEqual(['It waits for a retry that is due in 2.0 s.'])
  expect(await it.told('waiting', 'run1/rate/0')).toEqual(['It waits for its retry, which is due in 2.0 s.'])
  for (let turn = 0; turn < 12; turn += 1) {
    it.wait(2_000)
    await it.end(await it.claim(), { kind: 'retry', error: AWAY, delayMs: 2_000 })
  }
  expect(await it.told('retried')).toEqual([
    'In step rate, 13 attempts failed with RATES_AWAY and were retried, 2.0 s later on average, over 24 s.',
  ])
  await it.store.close()
})

test('a dead worker is told with the checkpoint its task went on from, and what was done again', async () => {
  const it = await script()
  await it.begin()
  await it.plan(1)
  const lost = await it.claim()
  it.wait(1_000)
  await it.checkpoint(lost, 40)
  it.wait(1_500)
  await it.store.renew('w1', [lost])
  it.wait(8_000)
  expect((await it.told('waiting'))[0]).toContain('the lease ran out 2.0 s ago')
  await it.store.reap([], { crashes: 3 })
  await it.worker('w2')
  await it.claim('w2')
  expect(await it.told('worker-died')).toEqual([
    'Worker w1 was found dead (its lease ran out) while it held 1 task of step rate; they were given to others. ' +
      'Partition 0 (file-0.csv) went on from its checkpoint after 40 records; what the dead worker did after that ' +
      '(its last sign of life came 1.5 s later) was done again.',
  ])
  expect(await it.told('attempt', 'run1/rate/0')).toEqual([
    expect.stringContaining('Attempt 1: process 7 on build-1, slot 1, from its beginning. Its worker died'),
    expect.stringContaining('Attempt 2: process 7 on build-1, slot 1, from checkpoint 1 (40 records).'),
  ])
  await it.store.close()
})

test('a pause is told with who asked for it, and the time in which nothing ran with its reason', async () => {
  const it = await script()
  await it.begin()
  await it.plan(1)
  await it.store.pauseRun('run1', true, 'cli ben@desk')
  expect(await it.told('waiting')).toEqual(['It is paused: nothing is handed out until it is resumed.'])
  it.wait(60_000)
  await it.store.pauseRun('run1', false, 'cli ben@desk')
  await it.succeed(await it.claim())
  expect(await it.told('paused')).toEqual(['It was paused by hand (ben on desk): no more tasks were handed out.'])
  expect(await it.told('idle')).toEqual(['Nothing of it ran for 1 min 00 s: it was paused.'])
  await it.store.close()
})

test('a blocked step names the rule, what it allows and what was found; nothing of it was published', async () => {
  const it = await script()
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
  expect(await it.told('blocked')).toEqual([
    'Step rate was blocked, because a limit was passed: rejects by zero, expected at most 1 %, found 7 of 100. For example k1.',
  ])
  expect((await it.told('not-published'))[0]).toContain('Nothing of rate was published')
  expect(await it.told('next')).toContain('batchwright retry run1')
  await it.store.close()
})

test('a run that was taken up again tells the failure before, by whom and how long it lay', async () => {
  const it = await script()
  await it.begin()
  await it.plan(1)
  it.wait(100)
  await it.end(await it.claim(), { kind: 'failed', error: AWAY })
  it.wait(30_000)
  await it.store.reopenRun('run1', { by: 'cli anna@build-1', from: 'rate' })
  await it.plan(1)
  for (let left = 3; left > 0; left -= 1) await it.succeed(await it.claim())
  expect(await it.told('failed')).toEqual([
    'It failed in partition 0 of step rate with RATES_AWAY: the rate service is away.',
  ])
  expect(await it.told('reopened')).toEqual(['It was taken up again by hand (anna on build-1), from step rate on.'])
  expect(await it.told('idle')).toEqual(['It lay failed for 30 s, until it was taken up again.'])
  expect(await it.told('succeeded')).toHaveLength(1)
  await it.store.close()
})

test('a wrong step and a wrong partition get the nearest that there is', async () => {
  const it = await script()
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
  const it = await script()
  await it.begin()
  await it.plan(1)
  await it.end(await it.claim(), { kind: 'failed', error: AWAY })
  for (const what of ['run1', 'run1/rate', 'run1/rate/0']) {
    const lines = storyLines(await it.story(what), { width, paint: paintNothing })
    expect(lines.filter((line) => displayWidth(line) > width && !line.startsWith('  batchwright'))).toEqual([])
  }
  await it.store.close()
})

test('as JSON each sentence has its chapter, time, kind and facts', async () => {
  const it = await script()
  await it.begin()
  await it.plan(1)
  expect(storyJson(await it.story(), { run: 'run1' })).toMatchObject({
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
