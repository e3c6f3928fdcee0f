import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { contract, dataset, field, job, jsonl, monthly, parameters, record } from '../index.ts'
import { seededRandom } from '../kernel/random.ts'
import { VirtualClock } from '../testing/index.ts'
import { World } from './fixtures/world.ts'
import { newRun, submitRun } from './submit.ts'

const row = record({ id: field.text() })
const source = dataset('source', { files: 'a.jsonl', format: jsonl(), contract: contract(1, row) })
const target = dataset('target', { location: 'out', format: jsonl(), contract: contract(1, row) })
const ARTIFACT = { codeVersion: 'code-1', path: '/artifacts/code-1.mjs' }
const REQUEST = { artifact: ARTIFACT, requestedBy: 'test' }

const plain = job('plain', {}, (steps) => {
  const read = steps
    .records('read')
    .read(source)
    .process((line) => line)
    .write(target)
  steps.function('tell', () => null).after(read)
})
const windowed = job('windowed', { window: monthly({ timezone: 'Europe/London' }) }, (steps) => {
  steps.function('work', () => null)
})

const chance = () => ({ clock: new VirtualClock(Date.UTC(2026, 5, 1)), random: seededRandom(7) })

describe('newRun', () => {
  test('the same job, window and identity parameters are the same run, wherever and whenever it is asked for', () => {
    const one = newRun(windowed, { ...REQUEST, window: '2011-01' }, chance())
    const two = newRun(
      windowed,
      { ...REQUEST, window: '2011-01' },
      { clock: new VirtualClock(0), random: seededRandom(8) },
    )
    expect(two.identity).toBe(one.identity)
    expect(two.seed).toBe(one.seed)
    expect(two.runId).not.toBe(one.runId)
    expect(newRun(windowed, { ...REQUEST, window: '2011-02' }, chance()).identity).not.toBe(one.identity)
  })

  test('logical time is the end of the window, or the time of asking where there is none', () => {
    expect(newRun(windowed, { ...REQUEST, window: '2011-01' }, chance()).logicalTime).toMatch(/^2011-02-01T00:00:00/)
    expect(newRun(plain, REQUEST, chance()).logicalTime).toBe('2026-06-01T00:00:00.000Z')
  })

  test('a step without an output publishes nothing', () => {
    const { steps } = newRun(plain, REQUEST, chance())
    expect(steps).toEqual([
      { name: 'read', kind: 'records', after: [], publish: 'together', rebalance: true },
      { name: 'tell', kind: 'function', after: ['read'], publish: 'none' },
    ])
  })

  test('a missing, superfluous or malformed window is refused', () => {
    expect(() => newRun(windowed, REQUEST, chance())).toThrow(
      expect.objectContaining({ code: 'WINDOW_MISSING' }) as Error,
    )
    expect(() => newRun(plain, { ...REQUEST, window: '2011-01' }, chance())).toThrow(
      expect.objectContaining({ code: 'WINDOW_UNEXPECTED' }) as Error,
    )
    expect(() => newRun(windowed, { ...REQUEST, window: 'January' }, chance())).toThrow(
      expect.objectContaining({ code: 'WINDOW_INVALID' }) as Error,
    )
  })

  test('parameters that the job does not have are refused', () => {
    expect(() => newRun(plain, { ...REQUEST, parameters: { region: 'uk' } }, chance())).toThrow(
      expect.objectContaining({ code: 'PARAMETER_UNKNOWN' }) as Error,
    )
  })

  test('a new parameter with a default does not change the identity of old requests', () => {
    const make = (shape: Parameters<typeof parameters>[0]) =>
      job('parametrised', { parameters: parameters(shape, { identity: ['region'] }) }, (steps) => {
        steps.function('work', () => null)
      })
    const before = make({ region: field.text() })
    const after = make({ region: field.text(), depth: field.integer().default(3) })
    const request = { ...REQUEST, key: 'k', parameters: { region: 'uk' } }
    const [one, two] = [newRun(before, request, chance()), newRun(after, request, chance())]
    expect(two.identity).toBe(one.identity)
    expect(two.parameters).toEqual({ region: 'uk', depth: 3 })
  })
})

describe('submitRun', () => {
  let world: World

  beforeEach(async () => {
    world = await World.open()
  })

  afterEach(async () => {
    await world.close()
  })

  const submit = (request: Partial<Parameters<typeof submitRun>[2]> = {}, of = plain) =>
    world.clock.runUntil(submitRun(world.store, of, { ...REQUEST, ...request }, world))

  test('asked again for a window, it is the same run, whatever became of it', async () => {
    const first = await submit({ window: '2011-01' }, windowed)
    const again = await submit({ window: '2011-01' }, windowed)
    expect([first.created, again.created]).toEqual([true, false])
    expect(again.run.runId).toBe(first.run.runId)
  })

  test('a new revision is a new run of the same identity', async () => {
    const first = await submit({ window: '2011-01' }, windowed)
    const next = await submit({ window: '2011-01', revision: 'next' }, windowed)
    expect(next.created).toBe(true)
    expect(next.run).toMatchObject({ identity: first.run.identity, revision: 2 })
  })

  test('without a window it is a new run, unless one is unfinished', async () => {
    const first = await submit()
    const again = await submit()
    expect(again).toMatchObject({ created: false, run: { runId: first.run.runId } })
    await world.clock.runUntil(world.store.cancelRun(first.run.runId, { by: 'test', why: 'enough' }))
    expect((await submit()).run.runId).toBe(first.run.runId)
  })

  test('with a key of the caller it is one run for that key', async () => {
    const one = await submit({ key: 'order-1' })
    const two = await submit({ key: 'order-2' })
    const again = await submit({ key: 'order-1' })
    expect(two.run.runId).not.toBe(one.run.runId)
    expect(again.run.runId).toBe(one.run.runId)
  })
})
