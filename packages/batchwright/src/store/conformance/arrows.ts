import { expect, it } from 'vitest'
import type { ClaimedTask } from '../contract/index.ts'
import type { OpenWorld } from './index.ts'
import { ALL_ARROWS, type Arrow } from './witness.ts'
import { step, type World } from './world.ts'

/** Arrows that no verb of the contract can be made to take yet, each with the reason. */
const NOT_YET: ReadonlyMap<Arrow, string> = new Map([
  ['step waiting>skipped by finish', 'branches come with a later kind of step: nothing in the contract declines one'],
])

const REASON = { by: 'test', why: 'a test' }
const KINDS: readonly ClaimedTask['kind'][] = ['plan', 'partition', 'verify', 'publish']

type Scenario = (world: World) => Promise<void>

const whole: Scenario = async (world) => {
  await world.start([step('a'), step('b', ['a'])])
  await world.workAll()
}

const cancelQueued: Scenario = async (world) => {
  await world.start([step('a'), step('b', ['a'])])
  await world.store.cancelRun('run-1', REASON)
  await world.store.reopenRun('run-1', { by: 'test' })
}

const leaseEnds: Scenario = async (world) => {
  await world.start([step('a')])
  await world.store.giveBack([await world.claimOne()])
  await world.end(await world.claimOne(), {
    kind: 'retry',
    error: { code: 'X', message: 'x', retryable: true },
    delayMs: 0,
  })
  await world.claimOne()
  await world.store.renew('worker-1', [])
  await world.store.renew('worker-1', [])
  await world.claimOne()
  await world.store.retireWorker('worker-1')
  await world.worker('worker-2')
  await world.claimOne('worker-2')
  await world.crash()
}

/** The first attempt of a partition ends without success while its copy runs; then the copy finishes. */
const copyFirst: Scenario = async (world) => {
  await world.start([{ ...step('a'), speculation: { after: 0, slowerThan: 2, atLeastMs: 0 } }])
  const task = await world.workUntil('partition')
  await world.store.start([task])
  await world.store.askCopy(task, { runningMs: 1, expectedMs: 1, leftMs: null })
  const copy = (await world.claim()).find(({ taskId, step: name }) => name === 'a' && taskId > task.taskId + 1)
  await world.store.giveBack([task])
  if (copy !== undefined) await world.succeed(copy)
}

/** A step fails at a task of this kind, by its own end or by crashes; then the run is taken up again. */
function failAt(kind: ClaimedTask['kind'], how: 'finish' | 'reap'): Scenario {
  return async (world) => {
    await world.start([step('a')])
    const task = await world.workUntil(kind)
    if (how === 'finish') {
      await world.fail(task)
    } else {
      await world.store.start([task])
      await world.crash(1)
    }
    await world.store.reopenRun('run-1', { by: 'test' })
  }
}

/** The run is cancelled while a task of this kind is leased; then it is taken up again. */
function cancelAt(kind: ClaimedTask['kind']): Scenario {
  return async (world) => {
    await world.start([step('a'), step('b', ['a'])])
    await world.workUntil(kind)
    await world.store.cancelRun('run-1', REASON)
    await world.store.reopenRun('run-1', { by: 'test' })
  }
}

/** Step `b` has come as far as a task of this kind when `z` fails; then the run starts again from `b`, or from one partition of it. */
function restartAt(kind: ClaimedTask['kind'] | 'done', what: 'from' | 'partition'): Scenario {
  return async (world) => {
    await world.start([step('b', [], kind === 'done' ? 'none' : 'alone'), step('z')])
    if (kind === 'done') await world.workUntil('plan', 'z')
    else await world.workUntil(kind, 'b')
    await world.store.giveBack(await world.store.claimed('worker-1', 'none'))
    const rows = await world.store.listTasks('run-1', { step: 'z', states: ['leased'] })
    const [failing] = rows.length > 0 ? await leasedOf(world) : [await claimStep(world, 'z')]
    if (failing !== undefined) await world.fail(failing)
    await world.store.reopenRun(
      'run-1',
      what === 'from' ? { by: 'test', from: 'b' } : { by: 'test', partition: { step: 'b', index: 0 } },
    )
  }
}

/** Step `b` itself, or a step before it, fails or is cancelled, and the run starts again from there. */
function restartEnded(how: 'failed' | 'cancelled'): Scenario {
  return async (world) => {
    await world.start([step('a'), step('b', ['a'])])
    const task = await world.workUntil('partition', 'b')
    if (how === 'failed') await world.fail(task)
    else await world.store.cancelRun('run-1', REASON)
    await world.store.reopenRun('run-1', { by: 'test', from: 'a' })
  }
}

async function leasedOf(world: World): Promise<readonly ClaimedTask[]> {
  const claims = Array.from({ length: 50 }, (_, number) => world.store.claimed('worker-1', `claim-${number}`))
  return (await Promise.all(claims)).flat().filter((task) => task.step === 'z')
}

async function claimStep(world: World, name: string): Promise<ClaimedTask | undefined> {
  return (await world.claim()).find((task) => task.step === name)
}

const SCENARIOS: readonly Scenario[] = [
  whole,
  cancelQueued,
  leaseEnds,
  copyFirst,
  ...KINDS.flatMap((kind) => [failAt(kind, 'finish'), failAt(kind, 'reap'), cancelAt(kind)]),
  ...KINDS.map((kind) => restartAt(kind, 'from')),
  restartAt('done', 'from'),
  restartAt('verify', 'partition'),
  restartAt('publish', 'partition'),
  restartAt('done', 'partition'),
  restartEnded('failed'),
  restartEnded('cancelled'),
]

export function arrowRules(open: OpenWorld): void {
  it('every arrow of the transition table is taken, by each of its verbs, with its event; and no other', async () => {
    const taken = new Set<Arrow>()
    for (const scenario of SCENARIOS) {
      const world = await open()
      await scenario(world)
      for (const arrow of world.witness.taken) taken.add(arrow)
    }
    expect(ALL_ARROWS.filter((arrow) => !taken.has(arrow) && !NOT_YET.has(arrow))).toEqual([])
    expect([...NOT_YET.keys()].filter((arrow) => taken.has(arrow))).toEqual([])
  })
}
