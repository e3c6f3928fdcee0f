import { expect } from 'vitest'
import { NO_COUNTERS } from '../../packages/batchwright/src/protocol/index.ts'
import type { TaskOutput } from '../../packages/batchwright/src/protocol/index.ts'
import { newRun, newWorker, partitions, plan, step } from '../../packages/batchwright/src/store/conformance/world.ts'
import type { ClaimedTask, NewStep, Store } from '../../packages/batchwright/src/store/index.ts'
import type { Watcher } from './interleave.ts'

/** Runs, workers and tasks of one race. Races share the tables: each has a run and workers of its own. */
export class Stage {
  static #races = 0
  readonly runId: string
  readonly store: Store
  readonly #watcher: Watcher
  readonly #race: number
  #claims = 0

  constructor(store: Store, watcher: Watcher) {
    Stage.#races += 1
    this.#race = Stage.#races
    this.runId = `run-${this.#race}`
    this.store = store
    this.#watcher = watcher
  }

  /** The name of a worker of this race. */
  name(worker: string): string {
    return `${worker} of ${this.#race}`
  }

  async begin(steps: readonly NewStep[] = [step('a')]): Promise<void> {
    await this.store.createRun(newRun(this.runId, steps))
    for (const worker of ['one', 'two']) await this.store.registerWorker(newWorker(this.name(worker)))
  }

  claim(worker: string, limit: number): Promise<readonly ClaimedTask[]> {
    this.#claims += 1
    const claimId = `claim ${this.#claims}`
    return this.store.claim({ workerId: this.name(worker), claimId, limit, runs: [this.runId] })
  }

  async claimOne(worker: string): Promise<ClaimedTask> {
    const [task] = await this.claim(worker, 1)
    if (task === undefined) throw new Error('expected a task to claim')
    return task
  }

  /** A step that has been planned, with so many partitions. */
  async planned(count: number, worker = 'one'): Promise<void> {
    const task = await this.claimOne(worker)
    await this.store.addPartitions(task, partitions(count))
    await this.store.finish([{ ...task, end: { kind: 'planned', plan: plan(count) } }])
  }

  async succeed(task: ClaimedTask): Promise<void> {
    if (task.kind === 'plan') {
      await this.store.addPartitions(task, partitions(2))
      await this.store.finish([{ ...task, end: { kind: 'planned', plan: plan(2) } }])
    } else {
      await this.store.finish([{ ...task, end: { kind: 'succeeded', output: output() } }])
    }
  }

  /** What must hold whatever has happened; then the run is brought to its end, which nothing may prevent. */
  async checkAndEnd(): Promise<void> {
    await this.checkInvariants()
    await this.store.registerWorker(newWorker(this.name('last')))
    await this.store.reap([this.name('one'), this.name('two')], { crashes: 99, onlyKnown: true })
    await this.checkInvariants()
    const state = (await this.store.getRun(this.runId))?.state
    if (state === 'failed' || state === 'cancelled') await this.store.reopenRun(this.runId, { by: 'test' })
    if (state !== 'succeeded') await this.store.pauseRun(this.runId, false, 'test')
    for (let tasks = await this.claim('last', 50); tasks.length > 0; tasks = await this.claim('last', 50)) {
      for (const task of tasks) await this.succeed(task)
    }
    await this.checkInvariants()
    expect((await this.store.getRun(this.runId))?.state).toBe('succeeded')
  }

  async checkInvariants(): Promise<void> {
    const broken = await this.#watcher.rows(INVARIANTS, [this.runId])
    expect(broken.map(({ what }) => what)).toEqual([])
  }
}

export function output(): TaskOutput {
  return {
    counters: { ...NO_COUNTERS, read: 1 },
    controls: { amount: '0.10' },
    outputs: {},
    deadLetters: [],
    result: null,
  }
}

/** Names what is broken: no row where all is well. */
const INVARIANTS = `
with mine as (select * from batchwright.runs where run_id = $1),
  held as (select t.* from batchwright.tasks t join mine on mine.run = t.run)
select 'a dead or unknown worker owns task ' || task_id as what from held
  where worker is not null and worker not in (select worker_id from batchwright.workers where state = 'alive')
union all
select 'a task of an ended run is leased: ' || held.task_id from held join mine on mine.run = held.run
  where held.state = 'leased' and mine.state not in ('queued', 'running')
union all
select 'a task of a cancelled run is ready: ' || held.task_id from held join mine on mine.run = held.run
  where held.state = 'ready' and mine.state = 'cancelled'
union all
select 'remaining of ' || s.name || ' is ' || s.remaining || ' and not what its tasks say' from batchwright.steps s
  join mine on mine.run = s.run
  where s.state in ('running', 'verifying', 'publishing', 'succeeded') and s.remaining <>
    (select count(*) from held where held.step = s.step and kind = 'partition' and held.state <> 'succeeded')
union all
select 'counters of ' || s.name || ' are not those of its outputs' from batchwright.steps s join mine on mine.run = s.run
  where cast(cast(s.counters as json) ->> 'read' as bigint) <>
    (select coalesce(sum(cast(cast(o.body as json) -> 'counters' ->> 'read' as bigint)), 0) from held
     join batchwright.outputs o on o.task_id = held.task_id where held.step = s.step and held.kind = 'partition')
union all
select 'step ' || s.name || ' runs and has nothing left' from batchwright.steps s join mine on mine.run = s.run
  where s.state = 'running' and s.remaining = 0 and mine.state in ('queued', 'running')
union all
select 'step ' || s.name || ' verifies without the one task for it' from batchwright.steps s join mine on mine.run = s.run
  where s.state = 'verifying' and (select count(*) from held where held.step = s.step and kind = 'verify') <> 1
union all
select 'step ' || s.name || ' waits although all it comes after are through' from batchwright.steps s
  join mine on mine.run = s.run
  where s.state = 'waiting' and mine.state in ('queued', 'running') and not exists (
    select 1 from json_array_elements_text(cast(s.comes_after as json)) as before (name)
      join batchwright.steps p on p.run = s.run and p.name = before.name
    where p.state not in ('publishing', 'succeeded', 'skipped'))
union all
select 'an ended attempt of ' || task_id || ' has no outcome' from held where state <> 'leased' and ended_at is null and leased_at is not null`
