/** One leads, another takes over; a pass that fails is told and made again; who lost the lead does nothing more. */
import { expect, test } from 'vitest'
import { seededRandom } from '../../kernel/random.ts'
import { openSqliteStore } from '../../store/index.ts'
import { VirtualClock } from '../../testing/index.ts'
import { Connection } from '../fixtures/intercept.ts'
import type { CoordinatorOptions } from './coordinator.ts'
import { Coordinator } from './coordinator.ts'
import type { Duty } from './duty.ts'

async function world() {
  const clock = new VirtualClock()
  const random = seededRandom(1)
  const store = await clock.runUntil(openSqliteStore({ path: ':memory:', clock, random }))
  const passes: string[] = []
  const start = (holder: string, overrides: Partial<CoordinatorOptions> = {}) => {
    const duty: Duty = {
      name: 'count',
      everyMs: 1_000,
      pass: () => {
        passes.push(holder)
        return Promise.resolve({ counted: passes.length, nothing: 0 })
      },
    }
    const coordinator = new Coordinator({
      store,
      duties: [duty],
      holder,
      clock,
      random,
      leadMs: 3_000,
      ...overrides,
    })
    return { coordinator, ended: coordinator.run() }
  }
  return { clock, passes, store, start, close: () => clock.runUntil(store.close()) }
}

test('one of two leads; when it stops, it gives up the lead and the other goes on at its next look', async () => {
  const { clock, passes, start, close } = await world()
  const [left, right] = [start('left'), start('right')]
  await clock.advance(5_000)
  expect(new Set(passes)).toEqual(new Set(['left']))
  left.coordinator.stop()
  await clock.runUntil(left.ended)
  passes.length = 0
  await clock.advance(1_500)
  expect(new Set(passes)).toEqual(new Set(['right']))
  right.coordinator.stop()
  await clock.runUntil(right.ended)
  await close()
})

test('a leader that cannot reach the store stops its duties when its lease has run out, and the other takes over', async () => {
  const { clock, passes, store, start, close } = await world()
  const cut = new Connection(store)
  const troubles: string[] = []
  const terms: boolean[] = []
  const left = start('left', {
    store: cut.store,
    hooks: { leading: (leads) => terms.push(leads), storeTrouble: ({ code }) => troubles.push(code) },
  })
  const right = start('right')
  await clock.advance(2_000)
  cut.cut()
  await clock.advance(4_000)
  passes.length = 0
  await clock.advance(5_000)
  expect(new Set(passes)).toEqual(new Set(['right']))
  expect(left.coordinator.leads).toBe(false)
  expect(troubles).toContain('STORE_BUSY')
  cut.mend()
  await clock.advance(5_000)
  expect(left.coordinator.leads).toBe(false)
  expect(terms).toEqual([true, false])
  for (const { coordinator, ended } of [left, right]) {
    coordinator.stop()
    await clock.runUntil(ended)
  }
  await close()
})

test('a pass that fails is told, and the other duties and its next pass go on', async () => {
  const { clock, start, close } = await world()
  const told: string[] = []
  let tries = 0
  const failing: Duty = {
    name: 'failing',
    everyMs: 1_000,
    pass: () => {
      tries += 1
      return tries === 1 ? Promise.reject(new Error('no')) : Promise.resolve({ mended: 1 })
    },
  }
  const steady: Duty = { name: 'steady', everyMs: 500, pass: () => Promise.resolve({ done: 1, idle: 0 }) }
  const { coordinator, ended } = start('left', {
    duties: [failing, steady],
    hooks: {
      did: (duty, counts) => told.push(`${duty} ${JSON.stringify(counts)}`),
      failed: (duty, error) => told.push(`${duty} ${String(error)}`),
    },
  })
  await clock.advance(1_100)
  expect(told.filter((line) => line.startsWith('failing'))).toEqual(['failing Error: no', 'failing {"mended":1}'])
  expect(told.filter((line) => line === 'steady {"done":1}')).toHaveLength(3)
  coordinator.stop()
  await clock.runUntil(ended)
  await close()
})
