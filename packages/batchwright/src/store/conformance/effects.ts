import { expect, it } from 'vitest'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { EffectVerdict, InDoubt } from '../../protocol/index.ts'
import type { ClaimedTask } from '../contract/index.ts'
import type { OpenWorld } from './index.ts'
import { partitions, plan, step, type World } from './world.ts'

const NAME = { scope: 'job mailing', key: 'mail/7' }

async function intend(
  world: World,
  task: ClaimedTask,
  inDoubt: InDoubt = 'ask',
  keys: readonly string[] = [NAME.key],
): Promise<readonly EffectVerdict[] | null> {
  const effects = keys.map((key) => ({ scope: NAME.scope, key, inDoubt }))
  const [verdicts] = await world.store.intendEffects([{ taskId: task.taskId, fence: task.fence, effects }])
  if (verdicts === undefined) throw new Error('expected an answer, found none')
  return verdicts
}

function settle(world: World, { taskId, fence }: ClaimedTask, outcome: string) {
  return world.store.settleEffects([{ taskId, fence, effects: [{ ...NAME, end: 'done', outcome }] }])
}

async function tasksOf(open: OpenWorld, count: number): Promise<{ world: World; tasks: readonly ClaimedTask[] }> {
  const world = await open()
  await world.start([step('a')])
  const planning = await world.claimOne()
  await world.store.addPartitions(planning, partitions(count))
  await world.end(planning, { kind: 'planned', plan: plan(count) })
  return { world, tasks: await world.claim() }
}

function first(tasks: readonly ClaimedTask[]): ClaimedTask {
  const [task] = tasks
  if (task === undefined) throw new Error('expected a task, found none')
  return task
}

/** The worker dies with an intent that has no outcome; the task is another worker's now. */
async function crashed(open: OpenWorld): Promise<{ world: World; dead: ClaimedTask; task: ClaimedTask }> {
  const { world, tasks } = await tasksOf(open, 1)
  const dead = first(tasks)
  await intend(world, dead)
  await world.crash()
  await world.worker('worker-2')
  return { world, dead, task: await world.claimOne('worker-2') }
}

async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call
  } catch (thrown) {
    if (thrown instanceof BatchwrightError) return thrown.code
    throw thrown
  }
  return 'not refused'
}

export function effectRules(open: OpenWorld): void {
  it('an effect is made once: later tasks, and the same in later runs, get its outcome', async () => {
    const { world, tasks } = await tasksOf(open, 2)
    const [one, other] = tasks
    if (one === undefined || other === undefined) throw new Error('expected two tasks')
    expect(await intend(world, one)).toEqual([{ verdict: 'act' }])
    expect(await settle(world, one, 'sent')).toEqual(['done'])
    for (const policy of ['ask', 'repeat', 'skip'] as const) {
      expect(await intend(world, other, policy)).toEqual([{ verdict: 'done', outcome: 'sent' }])
    }
  })

  it('an intent that is asked for again by the same attempt is its own still', async () => {
    const { world, tasks } = await tasksOf(open, 1)
    await intend(world, first(tasks))
    expect(await intend(world, first(tasks), 'skip')).toEqual([{ verdict: 'act' }])
  })

  it('an attempt without its lease may not begin an effect', async () => {
    const { world, dead } = await crashed(open)
    expect(await intend(world, dead, 'repeat', ['another'])).toBeNull()
  })

  it('while another attempt is at it, one waits', async () => {
    const { world, tasks } = await tasksOf(open, 2)
    const [one, other] = tasks
    if (one === undefined || other === undefined) throw new Error('expected two tasks')
    await intend(world, one)
    expect(await intend(world, other, 'repeat')).toMatchObject([{ verdict: 'wait' }])
  })

  it('in doubt after a crash: skip counts it as done, and nothing happens again', async () => {
    const { world, task } = await crashed(open)
    expect(await intend(world, task, 'skip')).toEqual([{ verdict: 'done', outcome: null }])
    expect(await intend(world, task, 'repeat')).toEqual([{ verdict: 'done', outcome: null }])
    expect(await world.store.listEffects({})).toMatchObject([{ state: 'done', settledBy: 'skip' }])
  })

  it('in doubt after a crash: repeat makes it again, under the new attempt', async () => {
    const { world, task, dead } = await crashed(open)
    expect(await intend(world, task, 'repeat')).toEqual([{ verdict: 'act' }])
    expect(await settle(world, dead, 'late')).toEqual(['fenced'])
    expect(await settle(world, task, 'sent again')).toEqual(['done'])
    expect(await world.store.listEffects({})).toMatchObject([{ state: 'done', outcome: 'sent again' }])
  })

  it('in doubt after a crash: ask waits for a person, whose answer makes the task due', async () => {
    const { world, task } = await crashed(open)
    const [verdict] = (await intend(world, task, 'ask')) ?? []
    expect(verdict).toMatchObject({ verdict: 'wait' })
    await world.store.giveBack([{ ...task, why: 'effect mail/7', delayMs: 3_600_000 }])
    expect(await world.store.listEffects({ open: true })).toMatchObject([{ ...NAME, state: 'asked', step: 'a' }])
    await world.store.answerEffect(NAME, { is: 'done', outcome: { id: 7 } }, 'somebody')
    expect(await world.store.nextDue()).toBeNull()
    const again = await world.claimOne('worker-2')
    expect(again).toMatchObject({ taskId: task.taskId, attemptsUsed: 0 })
    expect(await intend(world, again)).toEqual([{ verdict: 'done', outcome: { id: 7 } }])
    expect(await world.store.listEffects({ open: true })).toEqual([])
  })

  it('an answer that comes while the task is still being given back is not slept through', async () => {
    const { world, task } = await crashed(open)
    await intend(world, task, 'ask')
    await world.store.answerEffect(NAME, { is: 'again' }, 'somebody')
    await world.store.giveBack([{ ...task, why: 'effect mail/7', delayMs: 3_600_000 }])
    expect((await world.claimOne('worker-2')).taskId).toBe(task.taskId)
  })

  it('a person may say that it is to be made again: once', async () => {
    const { world, task } = await crashed(open)
    await intend(world, task, 'ask')
    await world.store.answerEffect(NAME, { is: 'again' }, 'somebody')
    expect(await intend(world, task, 'ask')).toEqual([{ verdict: 'act' }])
  })

  it('what a dead attempt says of its effect counts as long as nobody else has taken it over', async () => {
    const { world, task, dead } = await crashed(open)
    await intend(world, task, 'ask')
    expect(await settle(world, dead, 'sent after all')).toEqual(['done'])
    expect(await intend(world, task, 'repeat')).toEqual([{ verdict: 'done', outcome: 'sent after all' }])
  })

  it('an effect that surely did not take place is nobody’s; one that may have is in doubt', async () => {
    const { world, tasks } = await tasksOf(open, 1)
    const task = first(tasks)
    await intend(world, task)
    await world.store.settleEffects([{ ...task, effects: [{ ...NAME, end: 'withdrawn' }] }])
    expect(await world.store.listEffects({})).toEqual([])
    await intend(world, task)
    await world.store.settleEffects([{ ...task, effects: [{ ...NAME, end: 'doubtful' }] }])
    expect(await intend(world, task, 'skip')).toEqual([{ verdict: 'done', outcome: null }])
  })

  it('only what is in doubt can be answered', async () => {
    const { world, tasks } = await tasksOf(open, 1)
    await intend(world, first(tasks))
    expect(await refusal(world.store.answerEffect(NAME, { is: 'again' }, 'somebody'))).toBe('EFFECT_SETTLED')
    expect(await refusal(world.store.answerEffect({ ...NAME, key: 'x' }, { is: 'again' }, 'me'))).toBe('EFFECT_UNKNOWN')
  })

  it('many effects of a chunk are intended and settled in one call each, new and known ones together', async () => {
    const { world, tasks } = await tasksOf(open, 2)
    const [one, other] = tasks
    if (one === undefined || other === undefined) throw new Error('expected two tasks')
    const keys = Array.from({ length: 300 }, (_, place) => `mail/${String(place)}`)
    expect(await intend(world, one, 'ask', keys)).toEqual(keys.map(() => ({ verdict: 'act' })))
    const done = keys
      .slice(0, 200)
      .map((key, place) => ({ scope: NAME.scope, key, end: 'done' as const, outcome: place }))
    expect(await world.store.settleEffects([{ ...one, effects: done }])).toEqual(['done'])
    const verdicts = await intend(world, other, 'ask', [...keys, 'mail/new'])
    expect(verdicts?.map(({ verdict }) => verdict)).toEqual([
      ...Array.from({ length: 200 }, () => 'done'),
      ...Array.from({ length: 100 }, () => 'wait'),
      'act',
    ])
    expect(verdicts?.[150]).toEqual({ verdict: 'done', outcome: 150 })
  })
}
