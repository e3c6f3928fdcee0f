import { expect, it } from 'vitest'
import type { ClaimRequest } from '../contract/index.ts'
import type { OpenWorld } from './index.ts'
import { step, type World } from './world.ts'

/** Two steps side by side, planned: `a` with 40 partitions, `b` with 3. */
async function planned(open: OpenWorld): Promise<World> {
  const world = await open()
  await world.start([step('a'), step('b')])
  const plans = await world.store.claim({ workerId: 'worker-1', claimId: 'plans', limit: 2 })
  for (const plan of plans) await world.succeed(plan, plan.step === 'a' ? 40 : 3)
  return world
}

let claims = 0

async function claimed(world: World, request: Omit<ClaimRequest, 'workerId' | 'claimId'>): Promise<readonly string[]> {
  claims += 1
  const tasks = await world.store.claim({ workerId: 'worker-1', claimId: `claim-${claims}`, ...request })
  return tasks.map((task) => task.step)
}

function count(steps: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries([...Map.groupBy(steps, (name) => name)].map(([name, all]) => [name, all.length]))
}

export function depthRules(open: OpenWorld): void {
  const ofA = (tasks: number): NonNullable<ClaimRequest['depths']> => [{ job: 'billing', step: 'a', tasks }]

  it('short tasks that the worker names share a slot; others take one each', async () => {
    const world = await planned(open)
    expect(count(await claimed(world, { limit: 3, depths: ofA(10) }))).toEqual({ a: 30 })
    expect(count(await claimed(world, { limit: 3, depths: ofA(10) }))).toEqual({ a: 10, b: 2 })
  })

  it('ahead of free slots only short tasks are taken', async () => {
    const world = await planned(open)
    expect(await claimed(world, { limit: 0, ahead: 1 })).toEqual([])
    expect(count(await claimed(world, { limit: 0, ahead: 2, depths: ofA(15) }))).toEqual({ a: 30 })
    expect(count(await claimed(world, { limit: 1, ahead: 2, depths: ofA(15) }))).toEqual({ a: 10, b: 1 })
    expect(await claimed(world, { limit: 0, ahead: 2, depths: ofA(15) })).toEqual([])
    expect(count(await claimed(world, { limit: 9, ahead: 2, depths: ofA(15) }))).toEqual({ b: 2 })
  })

  it('a step of another job is not the one that is named', async () => {
    const world = await planned(open)
    const depths = [{ job: 'another', step: 'a', tasks: 10 }]
    expect(count(await claimed(world, { limit: 2, depths }))).toEqual({ a: 2 })
  })
}
