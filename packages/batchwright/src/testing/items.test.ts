import { expect, test } from 'vitest'
import { field, job, parameters, service } from '../index.ts'
import { runInMemory } from './index.ts'

test('a step with each does one task for each item, and keeps what they return in the order of the items', async () => {
  const doubling = job('doubling', { parameters: parameters({ upTo: field.integer() }) }, (steps) => {
    steps.function(
      'double',
      {
        each: function* (context) {
          for (let id = 1; id <= context.parameters.upTo; id += 1) yield { id }
        },
      },
      ({ item, index }) => `${String(index)}: ${String(item.id * 2)}`,
    )
  })
  const result = await runInMemory(doubling, { parameters: { upTo: 3 }, slots: 2 })
  expect(result.run.state).toBe('succeeded')
  expect(result.results).toEqual({ double: ['0: 2', '1: 4', '2: 6'] })
})

test('items may be fetched with the services of the step, and made from what an earlier step returned', async () => {
  const bucket = service('bucket', {
    open: () => Promise.resolve({ names: (folder: string) => Promise.resolve([`${folder}/a`, `${folder}/b`]) }),
  })
  const listing = job('listing', {}, (steps) => {
    const find = steps.function('find', () => 'photos')
    steps
      .function(
        'list',
        {
          use: { bucket },
          each: async (context) => context.use.bucket.names(JSON.stringify(context.results['find'])),
        },
        ({ item }) => item.length,
      )
      .after(find)
  })
  const { run, results, events } = await runInMemory(listing)
  expect(run.state).toBe('succeeded')
  expect(results).toEqual({ find: 'photos', list: [10, 10] })
  expect(events.find(({ type, step }) => type === 'step.running' && step === 'list')?.data).toMatchObject({
    partitions: 2,
  })
})

test('a step whose each gives nothing to do is done', async () => {
  const idle = job('idle', {}, (steps) => {
    steps.function('none', { each: () => [] }, () => null)
  })
  const { run, results } = await runInMemory(idle)
  expect(run.state).toBe('succeeded')
  expect(results).toEqual({ none: [] })
})

test('one item that fails is tried again alone; where it fails for good, the run does, and names the item', async () => {
  const seen: number[] = []
  const failing = job('failing', {}, (steps) => {
    steps
      .function('step', { each: [10, 20, 30] }, ({ item }) => {
        seen.push(item)
        if (item === 20) throw new Error('not this one')
      })
      .retry({ attempts: 2, errors: ['*'], backoff: { first: '1ms' } })
  })
  const { run } = await runInMemory(failing)
  expect(run.state).toBe('failed')
  expect(run.failure).toMatchObject({ message: 'not this one', step: 'step', index: 1 })
  expect(seen.filter((item) => item === 20)).toHaveLength(2)
  expect(seen.filter((item) => item === 10)).toHaveLength(1)
})

test('items that are no JSON, or too large to travel with their task, fail the plan and say which', async () => {
  const giving = (items: () => readonly unknown[]) =>
    runInMemory(
      job('bad', {}, (steps) => {
        steps.function('step', { each: items }, () => null)
      }),
    )
  const { run: bigint } = await giving(() => [1, 2n])
  expect(bigint.failure).toMatchObject({
    code: 'ITEMS_INVALID',
    message: 'step step: expected item 1 to be plain JSON, found a bigint',
  })
  const { run: large } = await giving(() => ['x'.repeat(20_000)])
  expect(large.failure?.message).toBe('step step: expected items of at most 16384 characters of JSON, item 0 has 20002')
})

test('a secret of a service is refused as an item', async () => {
  const bucket = service('bucket', { secrets: ['KEY'], open: ({ secrets }) => Promise.resolve(secrets) })
  const leaking = job('leaking', {}, (steps) => {
    steps.function('step', { use: { bucket }, each: (context) => [context.use.bucket['KEY']] }, () => null)
  })
  const { run } = await runInMemory(leaking, { environment: { KEY: 'a-secret-of-the-test' } })
  expect(run.failure).toMatchObject({ code: 'ITEMS_INVALID' })
  expect(JSON.stringify(run)).not.toContain('a-secret-of-the-test')
})
