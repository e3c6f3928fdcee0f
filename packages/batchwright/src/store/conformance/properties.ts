import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { ClaimedTask } from '../contract/index.ts'
import type { OpenWorld } from './index.ts'
import { checkpoint, FAILURE, LEASE_MS, output, partitions, plan, step, type World } from './world.ts'

/** What a careless fleet might do next. Numbers choose among what there is. */
type Move =
  | { readonly move: 'claim'; readonly worker: number; readonly limit: number }
  | {
      readonly move: 'start' | 'checkpoint' | 'giveBack' | 'retry' | 'fail' | 'succeed' | 'publish'
      readonly pick: number
    }
  | { readonly move: 'renew'; readonly worker: number; readonly keep: number }
  | { readonly move: 'retire'; readonly worker: number }
  | { readonly move: 'wait'; readonly ms: number }
  | { readonly move: 'reap'; readonly crashes: number }
  | { readonly move: 'cancel' }
  | { readonly move: 'pause'; readonly paused: boolean }
  | { readonly move: 'reopen'; readonly from: number }

const STEPS = [step('a'), step('b', ['a']), step('c', ['a'], 'none'), step('d', [], 'alone')]
const NAMES = STEPS.map(({ name }) => name)

const small = fc.nat({ max: 1000 })
const taskMove = (move: 'start' | 'checkpoint' | 'giveBack' | 'retry' | 'fail' | 'succeed' | 'publish') =>
  fc.record({ move: fc.constant(move), pick: small })
const MOVES: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ move: fc.constant('claim' as const), worker: small, limit: fc.integer({ min: 1, max: 5 }) }),
  },
  { weight: 12, arbitrary: taskMove('succeed') },
  { weight: 2, arbitrary: taskMove('start') },
  { weight: 2, arbitrary: taskMove('checkpoint') },
  { weight: 1, arbitrary: taskMove('giveBack') },
  { weight: 1, arbitrary: taskMove('retry') },
  { weight: 1, arbitrary: taskMove('fail') },
  { weight: 1, arbitrary: taskMove('publish') },
  { weight: 1, arbitrary: fc.record({ move: fc.constant('renew' as const), worker: small, keep: small }) },
  { weight: 1, arbitrary: fc.record({ move: fc.constant('retire' as const), worker: small }) },
  { weight: 1, arbitrary: fc.record({ move: fc.constant('wait' as const), ms: fc.nat({ max: LEASE_MS }) }) },
  { weight: 1, arbitrary: fc.record({ move: fc.constant('reap' as const), crashes: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: fc.constant({ move: 'cancel' as const }) },
  { weight: 1, arbitrary: fc.record({ move: fc.constant('pause' as const), paused: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ move: fc.constant('reopen' as const), from: small }) },
)

/** Plays moves, remembering every lease that was ever given out: zombies use theirs too. */
class Play {
  readonly #world: World
  readonly #leases: ClaimedTask[] = []
  /** Who got each task last. A lease given out before that must not count any more. */
  readonly #newest = new Map<number, number>()
  #workers = ['w0', 'w1']
  #sequence = 0
  #claims = 0

  constructor(world: World) {
    this.#world = world
  }

  async begin(): Promise<void> {
    await this.#world.start(STEPS)
    for (const worker of this.#workers) await this.#world.worker(worker)
  }

  async play(move: Move): Promise<void> {
    try {
      await this.#play(move)
    } catch (thrown) {
      // A refusal by state is a fair answer to a careless move; anything else is a failure.
      if (!(thrown instanceof BatchwrightError) || !REFUSALS.has(thrown.code)) throw thrown
    }
  }

  async #play(move: Move): Promise<void> {
    const { store, clock } = this.#world
    switch (move.move) {
      case 'claim':
        this.#claims += 1
        for (const task of await store.claim({
          workerId: this.#worker(move.worker),
          claimId: `play ${this.#claims}`,
          limit: move.limit,
        })) {
          this.#leases.push(task)
          this.#newest.set(task.taskId, task.fence)
        }
        return
      case 'renew':
        await store.renew(this.#worker(move.worker), this.#leases.slice(move.keep % (this.#leases.length + 1)))
        return
      case 'retire':
        await store.retireWorker(this.#worker(move.worker))
        await this.#replaceWorkers()
        return
      case 'wait':
        clock.advance(move.ms)
        return
      case 'reap':
        await store.reap([], { crashes: move.crashes })
        await this.#replaceWorkers()
        return
      case 'cancel':
        await store.cancelRun('run-1', { by: 'test', why: 'a test' })
        return
      case 'pause':
        await store.pauseRun('run-1', move.paused, 'test')
        return
      case 'reopen': {
        const from = NAMES[move.from % (NAMES.length * 2)]
        await store.reopenRun('run-1', { by: 'test', ...(from === undefined ? {} : { from }) })
        return
      }
      default:
        await this.#playTask(move.move, move.pick)
    }
  }

  async #playTask(move: string, pick: number): Promise<void> {
    // Mostly a recent lease, sometimes one long gone.
    const task = this.#leases.at(pick % 3 === 0 ? -1 - (pick % Math.max(1, this.#leases.length)) : -1 - (pick % 4))
    if (task === undefined) return
    const outcome = await this.#attempt(move, task)
    const stale = this.#newest.get(task.taskId) !== task.fence
    if (stale) expect(outcome, `${move} under a fence that has moved`).toBe('fenced')
  }

  async #attempt(move: string, task: ClaimedTask): Promise<string | undefined> {
    const { store } = this.#world
    if (move === 'start') return (await store.start([task]))[0]
    if (move === 'giveBack') return (await store.giveBack([task]))[0]
    if (move === 'checkpoint') {
      this.#sequence += 1
      return (await store.checkpoint([{ ...task, checkpoint: checkpoint(this.#sequence, 3) }]))[0]
    }
    if (move === 'publish') {
      const targets = [{ dataset: `data ${task.step}`, window: null, step: task.step }]
      return (await store.intendPublication(task, targets)) === null ? 'fenced' : 'done'
    }
    if (move === 'retry') return this.#world.end(task, { kind: 'retry', error: FAILURE, delayMs: 100 })
    if (move === 'fail') return this.#world.end(task, { kind: 'failed', error: FAILURE })
    if (task.kind !== 'plan') return this.#world.end(task, { kind: 'succeeded', output: output(2, '0.5') })
    const count = task.taskId % 4
    if ((await store.addPartitions(task, partitions(count))) === 'fenced') return 'fenced'
    return this.#world.end(task, { kind: 'planned', plan: plan(count) })
  }

  #worker(pick: number): string {
    return this.#workers[pick % this.#workers.length] ?? 'w0'
  }

  async #replaceWorkers(): Promise<void> {
    const alive = (await this.#world.store.listWorkers()).filter(({ state }) => state === 'alive')
    const names = new Set(alive.map(({ workerId }) => workerId))
    this.#workers = this.#workers.map((name) => (names.has(name) ? name : `${name}'`))
    for (const name of this.#workers) if (!names.has(name)) await this.#world.worker(name)
  }
}

const REFUSALS = new Set<string>(['RUN_ENDED', 'RUN_PUBLISHING', 'RUN_NOT_RESUMABLE'])

/** What must be true after every move. Legal arrows, events and growing fences are the witness's part. */
async function checkInvariants(world: World): Promise<void> {
  const run = await world.store.getRun('run-1')
  const steps = await world.store.listSteps('run-1')
  const tasks = await world.store.listTasks('run-1', { limit: 10_000 })
  const alive = new Set(
    (await world.store.listWorkers()).filter(({ state }) => state === 'alive').map(({ workerId }) => workerId),
  )
  for (const task of tasks) {
    expect(task.workerId !== null, 'owned exactly while leased').toBe(task.state === 'leased')
    if (task.workerId !== null) expect(alive.has(task.workerId), 'no dead worker owns a task').toBe(true)
    if (task.state === 'leased') expect(run?.state, 'only a running run has leased tasks').toBe('running')
    expect(task.output !== null, 'an output exactly where a task other than a plan succeeded').toBe(
      task.state === 'succeeded' && task.kind !== 'plan',
    )
  }
  for (const row of steps) {
    const own = tasks.filter((task) => task.step === row.name && task.kind === 'partition')
    const done = own.filter(({ state }) => state === 'succeeded')
    if (row.plan !== null) expect([row.tasks, row.tasksDone]).toEqual([own.length, done.length])
    const read = own.reduce((sum, task) => sum + (task.counters?.read ?? 0), 0)
    expect(row.counters.read, `records read by ${row.name}`).toBe(read)
    if (row.state === 'succeeded') expect(done.length).toBe(own.length)
  }
  if (run?.state === 'succeeded') expect(steps.every(({ state }) => state === 'succeeded')).toBe(true)
  const intended = await world.store.listPublications({ runId: 'run-1' })
  expect(new Set(intended.map(({ dataset, number }) => `${dataset} ${number}`)).size).toBe(intended.length)
}

/** Of runs by a careless fleet. Where each verb is a round trip to another process, fewer take as long. */
export const PROPERTY_RUNS = 60

export function propertyRules(open: OpenWorld, runs: number): void {
  it('whatever a careless fleet does, the invariants hold, and a careful worker brings the run to its end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(MOVES, { minLength: 20, maxLength: 90 }), async (moves) => {
        const world = await open()
        const play = new Play(world)
        await play.begin()
        for (const move of moves) {
          await play.play(move)
          await checkInvariants(world)
        }
        await bringToEnd(world)
      }),
      { numRuns: runs },
    )
  })
}

/** No orphans, no limbo: from wherever the moves have left it. */
async function bringToEnd(world: World): Promise<void> {
  const state = await world.runState()
  if (state === 'failed' || state === 'cancelled') await world.store.reopenRun('run-1', { by: 'test' })
  if (state !== 'succeeded') await world.store.pauseRun('run-1', false, 'test')
  await world.crash()
  await world.store.reap(
    (await world.store.listWorkers()).map(({ workerId }) => workerId),
    { crashes: 99 },
  )
  world.clock.advance(1000)
  await world.worker('careful')
  for (let tasks = await world.claim(9, 'careful'); tasks.length > 0; tasks = await world.claim(9, 'careful')) {
    for (const task of tasks) await world.succeed(task)
  }
  expect(await world.runState()).toBe('succeeded')
  await checkInvariants(world)
}
