import { expect, test } from 'vitest'
import { contract, dataset, field, job, jsonl, record, reject, service } from '../index.ts'
import { runInMemory } from './index.ts'

const row = record({ id: field.integer() })
const lines = dataset('lines', { files: 'lines', format: jsonl(), contract: contract(1, row) })
const kept = dataset('kept', { location: 'out/kept', format: jsonl(), contract: contract(1, row) })
const input = Array.from({ length: 30 }, (_, id) => ({ id }))

interface Rater {
  allows(id: number): Promise<boolean>
}

const events: string[] = []
const rater = service('rater', {
  secrets: ['RATER_TOKEN'],
  open: ({ secrets }): Rater => {
    events.push('opened')
    if (secrets.RATER_TOKEN === 'expired token') throw new Error(`${secrets.RATER_TOKEN} is refused`)
    return { allows: (id) => Promise.resolve(id % 2 === 0) }
  },
  close: () => {
    events.push('closed')
  },
})

const rating = job('rating', {}, (steps) => {
  const rated = steps
    .records('rate')
    .read(lines)
    .use({ rater })
    .process(async (each, { use }) => ((await use.rater.allows(each.id)) ? each : reject('refused')))
    .partition('rows', { size: 10 })
    .write(kept)
  steps
    .reduce('count')
    .read(rated)
    .by((each) => String(each.id % 3))
    .use({ rater })
    .fold({
      initial: () => 0,
      add: (sum) => sum + 1,
      finish: async (sum, id, { use }) => ((await use.rater.allows(sum)) ? { id: Number(id) } : []),
    })
})

test('steps of all kinds use a service of the slot: opened once, closed with it', async () => {
  events.length = 0
  const { run, outputs } = await runInMemory(rating, {
    inputs: { lines: input },
    environment: { RATER_TOKEN: 'good token' },
  })
  expect(run).toMatchObject({ state: 'succeeded', failure: null })
  expect(outputs['kept']).toHaveLength(15)
  expect(events).toEqual(['opened', 'closed'])
})

test('a fake stands in by name: nothing is opened, no secret is read', async () => {
  events.length = 0
  const fake: Rater = { allows: (id) => Promise.resolve(id < 3) }
  const { run, outputs } = await runInMemory(rating, {
    inputs: { lines: input },
    services: { rater: fake },
    environment: {},
  })
  expect(run).toMatchObject({ state: 'succeeded' })
  expect(outputs['kept']).toEqual([{ id: 0 }, { id: 1 }, { id: 2 }])
  expect(events).toEqual([])
  await expect(runInMemory(rating, { services: { ratre: fake } })).rejects.toMatchObject({
    code: 'SERVICE_UNKNOWN',
    hint: expect.stringContaining('rater') as string,
  })
})

test('a service that does not open is tried again by the policy of the step, then fails the run by name', async () => {
  events.length = 0
  const { run } = await runInMemory(rating, { inputs: { lines: input }, environment: { RATER_TOKEN: 'expired token' } })
  expect(run).toMatchObject({ state: 'failed', failure: { code: 'SERVICE_NOT_OPENED', step: 'rate' } })
  expect(run.failure?.message).toContain('service rater (opened with RATER_TOKEN)')
  expect(JSON.stringify(run)).not.toContain('expired token')
  expect(events.filter((event) => event === 'opened').length).toBeGreaterThanOrEqual(3)
})
