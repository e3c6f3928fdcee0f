import { expect } from 'vitest'
import type { ErrorReport } from '../../kernel/errors.ts'
import type { Checkpoint, Counters, PartitionPlan, PlanSummary, Snapshot, TaskOutput } from '../../protocol/index.ts'
import type { ClaimedTask, ItemOutcome, NewRun, NewStep, NewWorker, Store, TaskEnd } from '../contract/index.ts'
import type { SettableClock } from './clock.ts'
import { Witness } from './witness.ts'

/** What a store brings to be examined: a way to open it on a fresh database, and to open that database once more. */
export interface StoreUnderTest {
  open(clock: SettableClock): Promise<{
    readonly store: Store
    /** A second store on the same data, as another process would open it. */
    again(): Promise<Store>
    /** Closes every store that was opened and removes what it left. */
    dispose(): Promise<void>
  }>
}

export const LEASE_MS = 6_000

export const FAILURE: ErrorReport = { code: 'USER_ERROR', message: 'the step broke', retryable: false }

export function counters(read: number): Counters {
  return {
    read,
    accepted: read,
    written: read,
    dropped: 0,
    deadByRule: 0,
    deadByContract: 0,
    deadByError: 0,
    reasons: {},
    bytesRead: read * 10,
    bytesWritten: read * 10,
    retries: 0,
  }
}

export function output(read = 1, amount = '0.1'): TaskOutput {
  return { counters: counters(read), controls: { amount }, outputs: {}, deadLetters: [], result: null }
}

export function checkpoint(sequence: number, read = sequence): Checkpoint {
  return {
    engine: 1,
    sequence,
    position: { record: read },
    counters: counters(read),
    controls: { amount: `${read}.10` },
    outputs: {},
    deadLetters: { sealed: [], open: null },
    state: null,
    codeVersion: 'code-1',
  }
}

export function partitions(count: number, from = 0): readonly PartitionPlan[] {
  return Array.from({ length: count }, (_, index) => ({
    index: from + index,
    payload: { from: from + index },
    label: `slice ${from + index}`,
    records: 1,
    bytes: null,
  }))
}

export function snapshot(digest = 'digest-1'): Snapshot {
  return { files: [], digest }
}

export function plan(count: number, fixed: Snapshot | null = null): PlanSummary {
  return { snapshot: fixed, partitions: count, fingerprint: 'fingerprint-1', notes: [] }
}

export function step(name: string, after: readonly string[] = [], publish: NewStep['publish'] = 'together'): NewStep {
  return { name, kind: 'records', after, publish }
}

export function newRun(runId: string, steps: readonly NewStep[], parts: Partial<NewRun> = {}): NewRun {
  return {
    runId,
    job: 'billing',
    window: null,
    identity: `identity of ${runId}`,
    revision: 'same',
    parameters: { rate: '1.5' },
    codeVersion: 'code-1',
    artifactPath: '/artifacts/code-1.mjs',
    logicalTime: '2011-02-01T00:00:00Z',
    seed: 7,
    steps,
    requestedBy: 'test',
    replay: null,
    ...parts,
  }
}

export function newWorker(workerId: string): NewWorker {
  return { workerId, host: 'host', bootId: 'boot', pid: 1, processStart: '1', leaseMs: LEASE_MS }
}

/** A store, its clock and a witness of all that happens, with the moves that tests are made of. */
export class World {
  readonly store: Store
  readonly clock: SettableClock
  readonly witness: Witness
  readonly again: () => Promise<Store>
  readonly #real: Store
  #claims = 0

  constructor(store: Store, clock: SettableClock, again: () => Promise<Store>, watched = true) {
    this.#real = store
    this.clock = clock
    this.again = again
    this.witness = new Witness(store)
    this.store = watched ? this.witness.store : store
  }

  /** The same without the witness: for what is called at once, or too often for a look after each call. */
  unwatched(): World {
    return new World(this.#real, this.clock, this.again, false)
  }

  async start(steps: readonly NewStep[], runId = 'run-1'): Promise<void> {
    await this.store.createRun(newRun(runId, steps))
    await this.worker('worker-1')
  }

  async worker(workerId: string): Promise<void> {
    await this.store.registerWorker(newWorker(workerId))
  }

  claim(limit = 100, workerId = 'worker-1'): Promise<readonly ClaimedTask[]> {
    this.#claims += 1
    return this.store.claim({ workerId, claimId: `claim-${this.#claims}`, limit })
  }

  /** Claims exactly one task. */
  async claimOne(workerId = 'worker-1'): Promise<ClaimedTask> {
    const [task] = await this.claim(1, workerId)
    if (task === undefined) throw new Error('expected a task to claim, found none')
    return task
  }

  async end(task: ClaimedTask, end: TaskEnd): Promise<ItemOutcome> {
    const [outcome] = await this.store.finish([{ taskId: task.taskId, fence: task.fence, end }])
    if (outcome === undefined) throw new Error('expected an outcome for each item, found none')
    return outcome
  }

  async fail(task: ClaimedTask): Promise<void> {
    expect(await this.end(task, { kind: 'failed', error: FAILURE })).toBe('done')
  }

  /** Ends a task as its kind ends. */
  async succeed(task: ClaimedTask, count = 2): Promise<void> {
    if (task.kind === 'plan') {
      await this.store.addPartitions(task, partitions(count))
      expect(await this.end(task, { kind: 'planned', plan: plan(count, snapshot()) })).toBe('done')
    } else {
      expect(await this.end(task, { kind: 'succeeded', output: output() })).toBe('done')
    }
  }

  /** Works until a task of this kind, and of this step where one is named, is next; answers with it, leased. */
  async workUntil(kind: ClaimedTask['kind'], stepName?: string): Promise<ClaimedTask> {
    for (;;) {
      const task = await this.claimOne()
      if (task.kind === kind && (stepName === undefined || task.step === stepName)) return task
      await this.succeed(task)
    }
  }

  /** Works until nothing can be claimed. */
  async workAll(): Promise<void> {
    for (let tasks = await this.claim(); tasks.length > 0; tasks = await this.claim()) {
      for (const task of tasks) await this.succeed(task)
    }
  }

  /** The worker's lease runs out and it is reaped. */
  async crash(crashes = 99): Promise<void> {
    this.clock.advance(LEASE_MS + 1)
    await this.store.reap([], { crashes })
  }

  async stepState(name: string, runId = 'run-1'): Promise<string | undefined> {
    return (await this.store.listSteps(runId)).find((row) => row.name === name)?.state
  }

  async runState(runId = 'run-1'): Promise<string | undefined> {
    return (await this.store.getRun(runId))?.state
  }

  async eventTypes(runId = 'run-1'): Promise<readonly string[]> {
    return (await this.store.listEvents({ after: 0, runId })).map(({ type }) => type)
  }
}
