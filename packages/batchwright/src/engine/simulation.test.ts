/**
 * Histories of a fleet in which everything goes wrong: the real engine and store on a virtual clock (fixtures/simulation). A
 * seed that fails is played again by `SEED=17 npx vitest run packages/batchwright/src/engine/simulation.test.ts`; many more
 * of them by `npm run simulate -- --seeds 100000`.
 */
import { describe, expect, test } from 'vitest'
import { InvariantBroken } from './fixtures/simulation/broken.ts'
import { playHistory } from './fixtures/simulation/history.ts'
import { SABOTAGES } from './fixtures/simulation/sabotage.ts'

const SEEDS = 150
/** A broken rule must show within so many. */
const SEEDS_TO_BE_FOUND = 500

const seeds =
  process.env['SEED'] === undefined ? Array.from({ length: SEEDS }, (_, at) => at + 1) : [Number(process.env['SEED'])]

describe('whatever happens to workers and store, all invariants hold', () => {
  test.each(seeds)('seed %i', async (seed) => {
    await playHistory(seed)
  })
})

test('a seed plays the same history each time', async () => {
  const first = await playHistory(7)
  expect(await playHistory(7)).toEqual(first)
  expect(await playHistory(8)).not.toEqual(first)
})

describe(`the simulation notices within ${String(SEEDS_TO_BE_FOUND)} seeds that`, () => {
  test.each(Object.entries(SABOTAGES))('%s', async (_, sabotage) => {
    for (let seed = 1; seed <= SEEDS_TO_BE_FOUND; seed += 1) {
      try {
        await playHistory(seed, sabotage)
      } catch (error) {
        expect(error).toBeInstanceOf(InvariantBroken)
        return
      }
    }
    expect.unreachable('it went unnoticed')
  })
})
