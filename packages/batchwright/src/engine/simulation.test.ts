import { describe, expect, test } from 'vitest'
import { BatchwrightError } from '../kernel/errors.ts'
import { seededRandom } from '../kernel/random.ts'
import type { Random } from '../kernel/random.ts'
import type { AttemptEnd, PartitionAssignment } from '../protocol/index.ts'
import type { RunRow, Store } from '../store/index.ts'
import type { Script, ScriptedAttempt } from './fixtures/scripted-executor.ts'
import { interceptStore, outage } from './fixtures/intercept.ts'
import { failedWith } from './fixtures/scripted-executor.ts'
import { checkpointAt, finished, RETRY, stepsOf, World } from './fixtures/world.ts'

const SEEDS = 200
const STEPS = ['rate', 'invoice', 'total']
const PARTITIONS = 4
const RECORDS = 6

/**
 * A worker's own way to the store. Crashed: its calls never answer any more, like those of a process that is gone.
 * Stalled: they wait until the stall is over, and then do what they were sent to do: a zombie's.
 */
class Gate {
  readonly store: Store
  crashed = false
  #stall: Promise<undefined> | null = null

  constructor(target: Store, random: Random, down: () => boolean) {
    this.store = interceptStore(target, async (_, call) => {
      await this.#pass()
      if (down()) throw outage()
      const answer = await call()
      await this.#pass()
      // The store has done it, and the answer is lost on the way.
      if (random.next() < 0.01) throw outage()
      return answer
    })
  }

  stall(until: Promise<undefined>): void {
    this.#stall = until
  }

  async #pass(): Promise<void> {
    if (this.crashed) await new Promise(() => undefined)
    if (this.#stall !== null) await this.#stall
    if (this.crashed) await new Promise(() => undefined)
  }
}

/** One simulated history: workers come, crash, stall and come back; attempts fail, crawl and finish. */
class Simulation {
  readonly world: World
  readonly random: Random
  readonly gates: Gate[] = []
  #down = false

  constructor(world: World, seed: number) {
    this.world = world
    this.random = seededRandom(seed * 7_919 + 1)
  }

  async play(): Promise<RunRow> {
    const run = await this.world.createRun(STEPS)
    for (let count = 0; count < 3; count += 1) this.#hire()
    for (let disaster = 0; disaster < 6; disaster += 1) {
      await this.world.clock.advance(this.random.integer(1_500))
      this.#disaster()
    }
    this.#down = false
    this.#hire()
    return this.world.ended(run.runId)
  }

  #hire(): void {
    const gate = new Gate(this.world.store, this.random, () => this.#down)
    this.gates.push(gate)
    this.world.work(this.#script(gate), {
      store: gate.store,
      slots: 1 + this.random.integer(3),
      crashLimit: 100,
      facts: { retry: { ...RETRY, attempts: 100, maxMs: 500, firstMs: 50 }, timeoutMs: 20_000 },
    })
  }

  #disaster(): void {
    const { clock } = this.world
    const gate = this.gates[this.random.integer(this.gates.length)]
    const draw = this.random.next()
    if (gate === undefined) return
    if (draw < 0.4) {
      gate.crashed = true
      this.#hire()
    } else if (draw < 0.7) {
      const over = Promise.withResolvers<undefined>()
      gate.stall(over.promise)
      clock.after(this.random.integer(20_000), () => {
        over.resolve(undefined)
      })
    } else if (draw < 0.85) {
      this.#down = true
      clock.after(this.random.integer(15_000), () => {
        this.#down = false
      })
    } else this.#hire()
  }

  #script(gate: Gate): Script {
    const play = stepsOf(PARTITIONS, (task, attempt) => this.#work(task, attempt))
    return async (assignment, attempt) => {
      await this.world.clock.sleep(this.random.integer(100))
      if (gate.crashed) return new Promise(() => undefined)
      if (assignment.kind !== 'partition' && this.random.next() < 0.1) {
        return failedWith('EAGAIN', { retryable: true })
      }
      return play(assignment, attempt)
    }
  }

  /** Reads records one by one with a commit after each, from where the last attempt got to. */
  async #work(task: PartitionAssignment, attempt: ScriptedAttempt): Promise<AttemptEnd> {
    const from = typeof task.checkpoint?.position === 'number' ? task.checkpoint.position : 0
    for (let position = from; position < RECORDS; position += 1) {
      await this.world.clock.sleep(this.random.integer(400))
      const draw = this.random.next()
      if (draw < 0.03) return failedWith('EAGAIN', { retryable: true })
      if (draw < 0.04) await new Promise(() => undefined)
      try {
        await attempt.checkpoint(checkpointAt(position + 1, position + 1))
      } catch (error) {
        return failedWith(error instanceof BatchwrightError ? error.code : String(error))
      }
      if (attempt.stopped === 'preempted' || attempt.stopped === 'paused') return { kind: 'givenBack', counters: null }
      if (attempt.stopped !== null) return failedWith('ATTEMPT_STOPPED')
    }
    return finished(RECORDS)
  }
}

describe(`${String(SEEDS)} histories of crashing, stalling and returning workers`, () => {
  test.each(Array.from({ length: SEEDS }, (_, index) => index + 1))('seed %i', async (seed) => {
    const world = await World.open(seed)
    try {
      const simulation = new Simulation(world, seed)
      const run = await simulation.play()
      await assertInvariants(world, run)
    } finally {
      await world.close()
    }
  })
})

async function assertInvariants(world: World, run: RunRow): Promise<void> {
  const { store } = world
  // 5: every run ends, and with failures that pass it succeeds.
  expect(run).toMatchObject({ state: 'succeeded', failure: null })
  const tasks = await store.listTasks(run.runId)
  // 5: nothing is left leased.
  expect(tasks.filter((task) => task.state !== 'succeeded')).toEqual([])
  for (const step of await store.listSteps(run.runId)) {
    // 1: each record once, by the step's own counters.
    expect(step).toMatchObject({ state: 'succeeded', tasks: PARTITIONS, tasksDone: PARTITIONS })
    expect(step.counters.read).toBe(PARTITIONS * RECORDS)
    // 3: exactly one attempt's output for each partition.
    const output = await store.stepOutput(run.runId, step.name)
    expect(output.tasks.map((task) => task.index)).toEqual([0, 1, 2, 3])
  }
  // 4: each dataset is published once, under one number.
  const published = await store.listPublications({ runId: run.runId })
  expect(published.map((row) => [row.dataset, row.number, row.state]).sort()).toEqual(
    STEPS.map((step) => [step, 1, 'published']).sort(),
  )
  await assertEvents(world, run.runId)
}

/** 8: only legal transitions, each with its event: the outbox tells one history, with one end. */
async function assertEvents(world: World, runId: string): Promise<void> {
  const events = await world.store.listEvents({ after: 0, runId, limit: 10_000 })
  const sequences = events.map((event) => event.sequence)
  expect(sequences).toEqual([...sequences].sort((left, right) => left - right))
  expect(events.filter((event) => event.type === 'run.succeeded')).toHaveLength(1)
  for (const step of STEPS) {
    expect(events.filter((event) => event.type === 'step.succeeded' && event.step === step)).toHaveLength(1)
  }
}
