import { expect } from 'vitest'
import type { ClaimedTask, Store } from '../contract/index.ts'
import {
  RUN_TRANSITIONS,
  STEP_TRANSITIONS,
  TASK_TRANSITIONS,
  type RunState,
  type StepState,
  type TaskState,
} from '../states.ts'

type Verb = keyof Store

/** `task leased>ready by finish`. */
export type Arrow = string

/** Every arrow of the transition table with every verb that may take it. */
export const ALL_ARROWS: readonly Arrow[] = [
  ...RUN_TRANSITIONS.flatMap(({ from, to, by }) => by.map((verb) => arrow('run', from, to, verb))),
  ...STEP_TRANSITIONS.flatMap(({ from, to, by }) => by.map((verb) => arrow('step', from, to, verb))),
  ...TASK_TRANSITIONS.flatMap(({ from, to, by }) => by.map((verb) => arrow('task', from, to, verb))),
]

const KNOWN = new Set(ALL_ARROWS)

function arrow(of: 'run' | 'step' | 'task', from: string, to: string, verb: string): Arrow {
  return `${of} ${from}>${to} by ${verb}`
}

/**
 * Stands between a test and the store: after every verb it reads what has changed, and refuses any change that is not an
 * arrow of the table, or not this verb's. Runs and steps are followed by their events, so that a change without its event is
 * found too; tasks by their rows. Fences are seen to grow.
 */
export class Witness {
  readonly store: Store
  readonly taken = new Set<Arrow>()
  readonly #real: Store
  readonly #runs = new Map<string, RunState>()
  readonly #steps = new Map<string, StepState>()
  readonly #tasks = new Map<number, TaskState>()
  readonly #fences = new Map<number, number>()
  readonly #claims = new Set<string>()
  #sequence = 0
  /** Calls made at once are looked at one after the other. */
  #looking: Promise<void> = Promise.resolve()

  constructor(real: Store) {
    this.#real = real
    const watched: Partial<Store> = {
      createRun: (run) => this.#watch('createRun', () => real.createRun(run)),
      reopenRun: (runId, how) => this.#watch('reopenRun', () => real.reopenRun(runId, how)),
      cancelRun: (runId, reason) => this.#watch('cancelRun', () => real.cancelRun(runId, reason)),
      pauseRun: (runId, paused, by) => this.#watch('pauseRun', () => real.pauseRun(runId, paused, by)),
      registerWorker: (worker) => this.#watch('registerWorker', () => real.registerWorker(worker)),
      renew: (workerId, held) => this.#watch('renew', () => real.renew(workerId, held)),
      retireWorker: (workerId) => this.#watch('retireWorker', () => real.retireWorker(workerId)),
      reap: (knownDead, limits) => this.#watch('reap', () => real.reap(knownDead, limits)),
      claim: (request) =>
        this.#watch('claim', async () => {
          const tasks = await real.claim(request)
          if (!this.#claims.has(request.claimId)) this.#seeFences(tasks)
          this.#claims.add(request.claimId)
          return tasks
        }),
      start: (leases) => this.#watch('start', () => real.start(leases)),
      addPartitions: (lease, batch) => this.#watch('addPartitions', () => real.addPartitions(lease, batch)),
      checkpoint: (items) => this.#watch('checkpoint', () => real.checkpoint(items)),
      finish: (items) => this.#watch('finish', () => real.finish(items)),
      giveBack: (leases) => this.#watch('giveBack', () => real.giveBack(leases)),
    }
    this.store = new Proxy(real, {
      get(target, name): unknown {
        const value: unknown = Reflect.get(watched, name) ?? Reflect.get(target, name)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
  }

  async #watch<Value>(verb: Verb, call: () => Promise<Value>): Promise<Value> {
    try {
      return await call()
    } finally {
      this.#looking = this.#looking.then(() => this.#look(verb))
      await this.#looking
    }
  }

  #seeFences(tasks: readonly ClaimedTask[]): void {
    for (const { taskId, fence } of tasks) {
      expect(fence, `fence of task ${taskId}`).toBeGreaterThan(this.#fences.get(taskId) ?? 0)
      this.#fences.set(taskId, fence)
    }
  }

  async #look(verb: Verb): Promise<void> {
    for (const event of await this.#real.listEvents({ after: this.#sequence, limit: 100_000 })) {
      expect(event.sequence).toBeGreaterThan(this.#sequence)
      this.#sequence = event.sequence
      const [of, moved] = event.type.split('.')
      if (event.runId === null || moved === undefined) continue
      if (of === 'run') this.#runEvent(event.runId, moved, verb)
      if (of !== 'step' || event.step === null) continue
      const place = `${event.runId} ${event.step}`
      // Born with what it takes over: no arrow.
      if (moved === 'adopted' && verb === 'createRun') this.#steps.set(place, event.data['state'] as StepState)
      else this.#stepEvent(place, moved as StepState, verb)
    }
    for (const runId of this.#runs.keys()) await this.#compare(runId, verb)
  }

  #runEvent(runId: string, moved: string, verb: Verb): void {
    if (moved === 'created') {
      this.#runs.set(runId, 'queued')
      return
    }
    if (moved === 'paused' || moved === 'resumed') return
    const to = moved === 'reopened' ? 'queued' : (moved as RunState)
    this.#take(arrow('run', this.#runs.get(runId) ?? 'queued', to, verb))
    this.#runs.set(runId, to)
  }

  #stepEvent(place: string, to: StepState, verb: Verb): void {
    this.#take(arrow('step', this.#steps.get(place) ?? 'waiting', to, verb))
    this.#steps.set(place, to)
  }

  /** The rows must say what the events said. */
  async #compare(runId: string, verb: Verb): Promise<void> {
    const run = await this.#real.getRun(runId)
    expect(run?.state, `run ${runId} by its events after ${verb}`).toBe(this.#runs.get(runId))
    for (const row of await this.#real.listSteps(runId)) {
      const told = this.#steps.get(`${runId} ${row.name}`) ?? 'waiting'
      expect(row.state, `step ${row.name} by its events after ${verb}`).toBe(told)
    }
    for (const task of await this.#real.listTasks(runId, { limit: 100_000 })) {
      const born = verb === 'createRun' ? task.state : 'ready'
      const before = this.#tasks.get(task.taskId) ?? born
      // Its copy was first: it passes through a lease within the verb.
      const through = before === 'ready' && task.state === 'succeeded' ? (['ready', 'leased'] as const) : [before]
      for (const [step, from] of through.entries()) {
        const to = through[step + 1] ?? task.state
        if (from !== to) this.#take(arrow('task', from, to, verb))
      }
      this.#tasks.set(task.taskId, task.state)
    }
  }

  #take(taken: Arrow): void {
    expect(KNOWN.has(taken), `${taken} is not in the transition table`).toBe(true)
    this.taken.add(taken)
  }
}
