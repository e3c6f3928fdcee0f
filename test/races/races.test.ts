import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../packages/batchwright/src/kernel/clock.ts'
import {
  checkpoint,
  FAILURE,
  newRun,
  newWorker,
  partitions,
  step,
} from '../../packages/batchwright/src/store/conformance/world.ts'
import { openPostgresStore, type ClaimedTask, type Store } from '../../packages/batchwright/src/store/index.ts'
import { asAdministrator, createDatabase, type TestDatabase } from '../postgres/index.ts'
import { interleave, Watcher, type Met } from './interleave.ts'
import { output, Stage } from './stage.ts'

let database: TestDatabase
let store: Store
let watcher: Watcher

beforeAll(async () => {
  database = await createDatabase({ durable: false })
  // Deadlocks are found by the server after this time; a second, its default, would only make the suite slow.
  await asAdministrator(database.url, (client) =>
    client.query(`alter database ${database.name} set deadlock_timeout = '20ms'`),
  )
  store = await openPostgresStore({ url: database.url, clock: systemClock })
  watcher = await Watcher.connect(database.url)
})
afterAll(async () => {
  await watcher.end()
  await store.close()
  await database.drop()
})

/** Two verbs that meet, on a stage that was set for them, and what may have come of it. */
interface Race {
  readonly first: (stage: Stage) => Promise<unknown>
  readonly second: (stage: Stage) => Promise<unknown>
  readonly allowed?: (met: Met<unknown, unknown>, stage: Stage) => void | Promise<void>
}

/** Statements before which the first verb is held back, one race for each; and then its commit. */
const MOST_STATEMENTS = 40

/** Plays a race once for each statement of the first verb at which the second can come between, and once before its commit. */
async function playAll(make: (stage: Stage) => Promise<Race>): Promise<number> {
  let played = 0
  for (let at = 2; at <= MOST_STATEMENTS; at += 1) {
    if (!(await play(make, { name: 'store.statement', at }))) break
    played += 1
  }
  expect(await play(make, { name: 'store.commit', at: 1 }), 'the first verb commits').toBe(true)
  return played + 1
}

async function play(
  make: (stage: Stage) => Promise<Race>,
  point: { readonly name: 'store.statement' | 'store.commit'; readonly at: number },
): Promise<boolean> {
  const stage = new Stage(store, watcher)
  const race = await make(stage)
  const met = await interleave(
    watcher,
    point,
    () => race.first(stage),
    () => race.second(stage),
  )
  if (met !== null) {
    for (const { status, ...rest } of [met.first, met.second]) {
      if (status === 'rejected')
        expect(rest, `${point.name} ${point.at}`).toMatchObject({ reason: { name: 'BatchwrightError' } })
    }
    await race.allowed?.(met, stage)
  }
  await stage.checkAndEnd()
  return met !== null
}

function value(result: PromiseSettledResult<unknown>): unknown {
  if (result.status === 'rejected') throw result.reason
  return result.value
}

/** Both orders: each verb is the one that is held back. */
function bothWays(rule: string, make: (stage: Stage) => Promise<Race>): void {
  it(rule, async () => {
    await playAll(make)
    await playAll(async (stage) => {
      const { first, second, allowed } = await make(stage)
      const turned: Race = { first: second, second: first }
      return allowed === undefined
        ? turned
        : { ...turned, allowed: (met, on) => allowed({ first: met.second, second: met.first }, on) }
    })
  })
}

const succeeded = { kind: 'succeeded', output: output() } as const
const failed = { kind: 'failed', error: FAILURE } as const

async function leasedPartitions(stage: Stage, count: number): Promise<readonly ClaimedTask[]> {
  await stage.begin()
  await stage.planned(count)
  return await stage.claim('one', count)
}

function taskOf(tasks: readonly ClaimedTask[], place: number): ClaimedTask {
  const task = tasks[place]
  if (task === undefined) throw new Error(`expected ${place + 1} tasks`)
  return task
}

describe('a claim', () => {
  bothWays('and the reaping of its worker cannot cross: no dead worker owns anything (seen)', async (stage) => {
    await stage.begin()
    await stage.planned(3, 'two')
    return {
      first: () => stage.claim('one', 3),
      second: () => store.reap([stage.name('one')], { crashes: 9, onlyKnown: true }),
    }
  })

  bothWays('of another worker never takes the same task', async (stage) => {
    await stage.begin()
    await stage.planned(3)
    return {
      first: () => stage.claim('one', 3),
      second: () => stage.claim('two', 3),
      allowed: (met) => {
        const ids = [met.first, met.second].flatMap((claim) =>
          (value(claim) as readonly ClaimedTask[]).map(({ taskId }) => taskId),
        )
        expect(new Set(ids).size).toBe(ids.length)
        expect(ids.length).toBe(3)
      },
    }
  })

  bothWays('and a cancel: nothing of a cancelled run is leased or ready', async (stage) => {
    await stage.begin()
    await stage.planned(3)
    return {
      first: () => stage.claim('two', 3),
      second: () => store.cancelRun(stage.runId, { by: 'test', why: 'enough' }),
    }
  })

  bothWays('and the leaving of its worker: nothing stays with a worker that has left', async (stage) => {
    await stage.begin()
    await stage.planned(3, 'two')
    return { first: () => stage.claim('one', 3), second: () => store.retireWorker(stage.name('one')) }
  })
})

describe('a finish', () => {
  bothWays('and the reaping of its worker: one of them counts, never both', async (stage) => {
    const [task] = await leasedPartitions(stage, 2)
    if (task === undefined) throw new Error('expected a task')
    await store.start([task])
    return {
      first: () => store.finish([{ ...task, end: succeeded }]),
      second: () => store.reap([stage.name('one')], { crashes: 9, onlyKnown: true }),
      allowed: async (met) => {
        const [outcome] = value(met.first) as readonly string[]
        const rows = await store.listTasks(stage.runId, { kind: 'partition' })
        expect(rows.find(({ taskId }) => taskId === task.taskId)?.state).toBe(
          outcome === 'done' ? 'succeeded' : 'ready',
        )
      },
    }
  })

  bothWays('and a cancel: what was acknowledged stands, the rest is cancelled', async (stage) => {
    const tasks = await leasedPartitions(stage, 2)
    return {
      first: () => store.finish(tasks.map((task) => ({ ...task, end: succeeded }))),
      second: () => store.cancelRun(stage.runId, { by: 'test', why: 'enough' }),
      allowed: async (met) => {
        const done = (value(met.first) as readonly string[]).filter((outcome) => outcome === 'done').length
        const rows = await store.listTasks(stage.runId, { kind: 'partition', states: ['succeeded'] })
        expect(rows.length).toBe(done)
      },
    }
  })

  bothWays(
    "by another worker: two who end a step's last tasks count each once, and one opens what follows",
    async (stage) => {
      await stage.begin()
      await stage.planned(4)
      const [mine, others] = [await stage.claim('one', 2), await stage.claim('two', 2)]
      return {
        first: () => store.finish(mine.map((task) => ({ ...task, end: succeeded }))),
        second: () => store.finish(others.map((task) => ({ ...task, end: succeeded }))),
        allowed: async (met) => {
          expect([value(met.first), value(met.second)]).toEqual([
            ['done', 'done'],
            ['done', 'done'],
          ])
          expect((await store.listSteps(stage.runId))[0]).toMatchObject({
            state: 'verifying',
            tasksDone: 4,
            controls: { amount: '0.4' },
          })
        },
      }
    },
  )

  bothWays('that is made again before its answer came is fenced, and counts once', async (stage) => {
    const tasks = await leasedPartitions(stage, 3)
    const end = (): Promise<unknown> => store.finish(tasks.map((task) => ({ ...task, end: succeeded })))
    return {
      first: end,
      second: end,
      allowed: (met) => {
        expect([value(met.first), value(met.second)].map(String).toSorted()).toEqual([
          'done,done,done',
          'fenced,fenced,fenced',
        ])
      },
    }
  })

  bothWays("with success and a sibling's failure: the run fails once, and keeps what was done", async (stage) => {
    const tasks = await leasedPartitions(stage, 3)
    return {
      first: () => store.finish([{ ...taskOf(tasks, 0), end: succeeded }]),
      second: () => store.finish([{ ...taskOf(tasks, 1), end: failed }]),
    }
  })

  bothWays('with failure and another: the run fails once', async (stage) => {
    const tasks = await leasedPartitions(stage, 3)
    return {
      first: () => store.finish([{ ...taskOf(tasks, 0), end: failed }]),
      second: () => store.finish([{ ...taskOf(tasks, 1), end: failed }]),
      allowed: async (met) => {
        expect([value(met.first), value(met.second)].map(String).toSorted()).toEqual(['done', 'fenced'])
        const events = await store.listEvents({ after: 0, runId: stage.runId, types: ['run.failed'] })
        expect(events.length).toBe(1)
      },
    }
  })

  bothWays('of two verified steps that a third waits for: it opens, once', async (stage) => {
    await stage.begin([step('a'), step('b'), step('c', ['a', 'b'])])
    const verifying: ClaimedTask[] = []
    while (verifying.length < 2) {
      const task = await stage.claimOne('one')
      if (task.kind === 'verify') verifying.push(task)
      else await stage.succeed(task)
    }
    return {
      first: () => store.finish([{ ...taskOf(verifying, 0), end: succeeded }]),
      second: () => store.finish([{ ...taskOf(verifying, 1), end: succeeded }]),
      allowed: async () => {
        expect((await store.listSteps(stage.runId)).map(({ state }) => state)).toEqual([
          'publishing',
          'publishing',
          'planning',
        ])
      },
    }
  })
})

describe('a lease', () => {
  bothWays('that is renewed while it is reaped is either alive or dead, for all', async (stage) => {
    const tasks = await leasedPartitions(stage, 2)
    return {
      first: () => store.renew(stage.name('one'), tasks),
      second: () => store.reap([stage.name('one')], { crashes: 9, onlyKnown: true }),
      allowed: async () => {
        const [worker] = (await store.listWorkers()).filter(({ workerId }) => workerId === stage.name('one'))
        expect(worker?.state).toBe('dead')
      },
    }
  })

  bothWays('is reaped once by two reapers', async (stage) => {
    await leasedPartitions(stage, 2)
    const reap = (): Promise<unknown> => store.reap([stage.name('one')], { crashes: 9, onlyKnown: true })
    return {
      first: reap,
      second: reap,
      allowed: (met) => {
        const released = [met.first, met.second].map((result) => (value(result) as { released: number }).released)
        expect(released.toSorted()).toEqual([0, 2])
      },
    }
  })

  bothWays('that starts while it is reaped counts as crashed only where it had started', async (stage) => {
    const [task] = await leasedPartitions(stage, 1)
    if (task === undefined) throw new Error('expected a task')
    return {
      first: () => store.start([task]),
      second: () => store.reap([stage.name('one')], { crashes: 9, onlyKnown: true }),
    }
  })

  bothWays('that checkpoints while it is reaped keeps the checkpoint, or is fenced', async (stage) => {
    const [task] = await leasedPartitions(stage, 1)
    if (task === undefined) throw new Error('expected a task')
    return {
      first: () => store.checkpoint([{ ...task, checkpoint: checkpoint(1) }]),
      second: () => store.reap([stage.name('one')], { crashes: 9, onlyKnown: true }),
      allowed: async (met) => {
        const [row] = await store.listTasks(stage.runId, { kind: 'partition' })
        expect(row?.checkpoint === null).toBe(String(value(met.first)) === 'fenced')
      },
    }
  })

  bothWays('that is given back while it is reaped ends once', async (stage) => {
    const tasks = await leasedPartitions(stage, 2)
    return {
      first: () => store.giveBack(tasks),
      second: () => store.reap([stage.name('one')], { crashes: 9, onlyKnown: true }),
    }
  })

  bothWays('that is given back while its run is cancelled ends once', async (stage) => {
    const tasks = await leasedPartitions(stage, 2)
    return {
      first: () => store.giveBack(tasks),
      second: () => store.cancelRun(stage.runId, { by: 'test', why: 'enough' }),
    }
  })
})

describe('a run', () => {
  bothWays('of one identity is made once', async (stage) => {
    await stage.begin()
    const make = (runId: string): Promise<unknown> =>
      store.createRun(newRun(`${stage.runId} ${runId}`, [step('a')], { identity: `twin of ${stage.runId}` }))
    return {
      first: () => make('x'),
      second: () => make('y'),
      allowed: (met) => {
        const made = [met.first, met.second].map(
          (result) => value(result) as { run: { runId: string }; created: boolean },
        )
        expect(made.filter(({ created }) => created).length).toBe(1)
        expect(made[0]?.run.runId).toBe(made[1]?.run.runId)
      },
    }
  })

  bothWays('is cancelled or publishes, never both', async (stage) => {
    await stage.begin()
    let task = await stage.claimOne('one')
    for (; task.kind !== 'publish'; task = await stage.claimOne('one')) await stage.succeed(task)
    const publishing = task
    return {
      first: () => store.intendPublication(publishing, [{ dataset: `set of ${stage.runId}`, window: null, step: 'a' }]),
      second: () => store.cancelRun(stage.runId, { by: 'test', why: 'enough' }),
      allowed: (met) => {
        const intended = value(met.first) !== null
        expect(met.second.status).toBe(intended ? 'rejected' : 'fulfilled')
      },
    }
  })

  bothWays('that is cancelled while it is planned keeps no plan that could be claimed', async (stage) => {
    await stage.begin()
    const task = await stage.claimOne('one')
    return {
      first: () => store.addPartitions(task, partitions(5)),
      second: () => store.cancelRun(stage.runId, { by: 'test', why: 'enough' }),
    }
  })

  bothWays('is reopened once by two who ask', async (stage) => {
    const tasks = await leasedPartitions(stage, 2)
    await store.finish([{ ...taskOf(tasks, 0), end: failed }])
    const reopen = (): Promise<unknown> => store.reopenRun(stage.runId, { by: 'test' })
    return {
      first: reopen,
      second: reopen,
      allowed: (met) => {
        expect([met.first.status, met.second.status].toSorted()).toEqual(['fulfilled', 'rejected'])
      },
    }
  })
})

describe('a number of a dataset window', () => {
  bothWays('is given out once', async (stage) => {
    await stage.begin()
    const dataset = `numbered ${stage.runId}`
    const ask = (to: number): Promise<number> => store.intendRollback(dataset, null, to, 'test', 10)
    return {
      first: () => ask(1),
      second: () => ask(2),
      allowed: (met) => {
        expect([value(met.first), value(met.second)].toSorted()).toEqual([11, 12])
      },
    }
  })
})

describe('the outbox', () => {
  it('shows what was committed late after what was read before it, and nothing is missed (seen)', async () => {
    const stage = new Stage(store, watcher)
    await stage.begin()
    const before = (await store.listEvents({ after: 0, limit: 100_000 })).at(-1)?.sequence ?? 0
    const met = await interleave(
      watcher,
      { name: 'store.commit', at: 1 },
      () => store.createRun(newRun(`${stage.runId} late`, [step('a')])),
      async () => {
        await store.registerWorker(newWorker(stage.name('third')))
        return await store.listEvents({ after: before })
      },
    )
    const seen = met?.second.status === 'fulfilled' ? met.second.value : []
    expect(seen.map(({ type }) => type)).toEqual(['worker.registered'])
    const rest = await store.listEvents({ after: seen.at(-1)?.sequence ?? 0 })
    expect(rest.map(({ type }) => type)).toEqual(['run.created', 'step.planning'])
  })
})
