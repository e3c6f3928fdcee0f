/** The worst bugs of this product's peers, by their rule. Each is a way to lose data, to double it, or to be stuck. */
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import type { JobText, TestProject } from '../harness/project.ts'
import {
  DAY,
  deadLetters,
  expectTold,
  INPUT,
  lastRun,
  orders,
  ordersJob,
  project,
  publishedBytes,
  publishedFiles,
  RUN,
  succeeded,
} from '../harness/project.ts'

const OFTEN = '.commit({ chunk: 10, everyChunks: 1 })'

function shop(count: number, job: JobText): TestProject {
  return project({ 'jobs/orders.ts': ordersJob(job), [INPUT]: orders(count) })
}

/** What a job publishes when nothing goes wrong. */
async function undisturbed(count: number, job: JobText): Promise<Readonly<Record<string, string>>> {
  const made = shop(count, job)
  succeeded(await made.cli(...RUN))
  return publishedBytes(made)
}

/** Ids of the published orders, in order. */
function ids(from: TestProject): readonly string[] {
  const parts = publishedFiles(from).filter((file) => file.endsWith('.csv'))
  const lines = parts.flatMap((file) =>
    readFileSync(path.join(from.folder, file), 'utf8').trimEnd().split('\n').slice(1),
  )
  return lines.map((line) => line.split(',', 1)[0] ?? '')
}

function numbered(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `o${index + 1}`)
}

/** Numbers each order by keyed state: a state that runs ahead of, or behind, what is written shows in the bytes. */
const NUMBERED: JobText = {
  process: `(order, context) => {
    if (order.id === process.env.FAIL_AT) throw new Error('out of order')
    const seen = (context.state.get('seen') ?? 0) + 1
    context.state.set('seen', seen)
    return { ...order, note: String(seen) }
  }`,
}

function withState(job: string): string {
  return job.replace('.process(', '.state().process(')
}

test('state is saved only with the chunk it belongs to: a restart after a failed chunk loses nothing', async () => {
  // https://github.com/spring-projects/spring-batch/issues/5182
  const job = { ...NUMBERED, policies: `${OFTEN}.retry({ attempts: 1 })` }
  const made = shop(200, job)
  made.write('jobs/orders.ts', withState(ordersJob(job)))
  const failed = await made.start(RUN, { FAIL_AT: 'o155' }).finished
  expect(failed.code).toBe(1)
  expect(publishedFiles(made)).toEqual([])
  const stopped = await lastRun(made)
  expect(stopped.steps[0]?.read).toBe(150)
  succeeded(await made.cli(...RUN))
  const lines = readFileSync(path.join(made.folder, `out/clean/${DAY}/v000001/part-00000.csv`), 'utf8').trimEnd()
  expect(lines.split('\n').slice(1)).toEqual(
    numbered(200).map((id, index) => `${id},${index % 7},${index}.50,${index + 1}`),
  )
  expect((await lastRun(made)).steps).toMatchObject([{ read: 200, written: 200, dead: 0 }])
})

test('a skipped record ends nothing: every record after it is read, wherever it stands in its chunk', async () => {
  // https://github.com/spring-projects/spring-batch/issues/5084
  const bad = new Set(['o1', 'o10', 'o11', 'o55', 'o99', 'o100'])
  const made = shop(100, {
    process: `(order) => { if (${JSON.stringify([...bad])}.includes(order.id)) throw new Error('bad: ' + order.id); return order }`,
    policies: `.skip(10)${OFTEN}`,
  })
  succeeded(await made.cli(...RUN))
  expect(ids(made)).toEqual(numbered(100).filter((id) => !bad.has(id)))
  const letters = await deadLetters(made)
  expect(letters.map(({ record }) => `o${record}`)).toEqual([...bad])
  expect((await lastRun(made)).steps).toMatchObject([{ read: 100, written: 94, dead: 6 }])
})

test('faulty rows of the source end nothing either', async () => {
  // https://github.com/spring-projects/spring-batch/issues/5084
  const rows = numbered(100).map((id, index) => (index % 10 === 9 ? 'torn' : `${id},1,1.00,`))
  const made = project({
    'jobs/orders.ts': ordersJob({ policies: `.skip(10)${OFTEN}` }),
    [INPUT]: `id,qty,price,note\n${rows.join('\n')}\n`,
  })
  succeeded(await made.cli(...RUN))
  expect(ids(made)).toEqual(numbered(100).filter((_, index) => index % 10 !== 9))
  expect((await lastRun(made)).steps).toMatchObject([{ read: 100, written: 90, dead: 10 }])
})

test('the search for a record that cannot be written doubles none of its chunk', async () => {
  // https://github.com/spring-projects/spring-batch/issues/5210
  const made = shop(100, {
    // The contract wants a whole number: the sink refuses the record when its chunk is written.
    process: `(order) => (['o33', 'o34', 'o78'].includes(order.id) ? { ...order, qty: 0.5 } : order)`,
    policies: '.skip(5).commit({ chunk: 25, everyChunks: 1 })',
  })
  succeeded(await made.cli(...RUN))
  expect(ids(made)).toEqual(numbered(100).filter((id) => !['o33', 'o34', 'o78'].includes(id)))
  expect((await deadLetters(made)).map(({ record, reason }) => [record, reason])).toEqual([
    [33, 'OUTPUT_INVALID'],
    [34, 'OUTPUT_INVALID'],
    [78, 'OUTPUT_INVALID'],
  ])
  expect((await lastRun(made)).steps).toMatchObject([{ read: 100, written: 97, dead: 3 }])
})

test('a job that was killed does not stay running: the same command takes its work over', async () => {
  // https://github.com/spring-projects/spring-batch/issues/4876
  const job = { policies: OFTEN }
  const made = shop(200, job)
  for (const point of ['plan.sealed@1', 'loop.checkpointed@2', 'verify.started@1', 'publish.manifest-created@1']) {
    const killed = await made.start(RUN, { BATCHWRIGHT_FAIL_POINTS: `${point}=kill` }).finished
    expect(killed.signal, `${point}: ${killed.stderr}`).toBe('SIGKILL')
  }
  const { stderr } = succeeded(await made.cli(...RUN))
  expect(stderr).toContain('was begun before: going on from its checkpoints')
  expect((await made.json<{ total: number }>('runs')).value.total).toBe(1)
  expect(await lastRun(made)).toMatchObject({
    state: 'succeeded',
    steps: [{ partitions: 1, partitionsDone: 1, read: 200 }],
  })
  expect(publishedBytes(made)).toEqual(await undisturbed(200, job))
})

test.each([
  [
    'cut short',
    (file: string) => {
      truncateSync(file, statSync(file).size - 7)
    },
  ],
  [
    'emptied',
    (file: string) => {
      truncateSync(file, 0)
    },
  ],
  [
    'of another content',
    (file: string) => {
      writeFileSync(file, readFileSync(file, 'utf8').replace('o2,', 'x2,'))
    },
  ],
])('staged output that is %s when a run is resumed is never passed on', async (_, damage) => {
  // https://github.com/nextflow-io/nextflow/pull/5600
  const job = { policies: `.commit({ chunk: 10, everyChunks: 2 })` }
  const made = shop(200, job)
  const killed = await made.start(RUN, { BATCHWRIGHT_FAIL_POINTS: 'loop.checkpointed@4=kill' }).finished
  expect(killed.signal).toBe('SIGKILL')
  const staged = made.files('out/clean/.staging/**/main-*.csv')
  expect(staged).toHaveLength(1)
  for (const file of staged) damage(path.join(made.folder, file))
  succeeded(await made.cli(...RUN))
  expect(publishedBytes(made)).toEqual(await undisturbed(200, job))
  expect((await lastRun(made)).steps).toMatchObject([{ read: 200, written: 200 }])
})

test('the finished part of a partition that is cut short before it is published is never published', async () => {
  // https://github.com/nextflow-io/nextflow/pull/5600
  const job = { policies: `.partition('rows', { size: 100 })` }
  const made = shop(200, job)
  const killed = await made.start(RUN, { BATCHWRIGHT_FAIL_POINTS: 'publish.started@1=kill' }).finished
  expect(killed.signal).toBe('SIGKILL')
  const [first] = made.files('out/clean/.staging/**/main-*.csv').map((file) => path.join(made.folder, file))
  truncateSync(first ?? '', statSync(first ?? '').size - 7)
  const refused = await made.cli(...RUN)
  expect(refused.code).toBe(1)
  expectTold(refused, [first ?? '', 'expected 1300 bytes, found 1293 bytes', '--from clean`', 'OUTPUT_LOST'])
  expect(made.files('out/clean/**/manifests/*')).toEqual([])
  succeeded(await made.cli('retry', 'latest', '--from', 'clean'))
  expect(ids(made)).toEqual(numbered(200))
})

test('records between two steps that are cut short before they are read are never read on', async () => {
  // https://github.com/nextflow-io/nextflow/pull/5600
  const job = ordersJob({ policies: `.partition('rows', { size: 100 })` })
    .replace('  steps\n    .records', '  const cleaned = steps\n    .records')
    .replace('.write(clean)', '')
    .replace(/\}\)\n$/, SECOND_STEP)
  const made = project({ 'jobs/orders.ts': job, [INPUT]: orders(200) })
  const killed = await made.start(RUN, { BATCHWRIGHT_FAIL_POINTS: 'verify.started@1=kill' }).finished
  expect(killed.signal).toBe('SIGKILL')
  const blocks = made.files('.batchwright/runs/*/clean/*-f*/*.blocks').map((file) => path.join(made.folder, file))
  const [first] = blocks
  truncateSync(first ?? '', statSync(first ?? '').size - 7)
  const refused = await made.cli(...RUN)
  expect(refused.code).toBe(1)
  expectTold(refused, [first ?? '', '--from clean`', 'CHECKSUM_MISMATCH'])
  expect(publishedFiles(made)).toEqual([])
  succeeded(await made.cli('retry', 'latest', '--from', 'clean'))
  expect(ids(made)).toEqual(numbered(200))
})

const SECOND_STEP = `  steps
    .reduce('each')
    .read(cleaned)
    .by((order) => order.id.slice(1).padStart(3, '0'))
    .fold({ initial: () => [], add: (all, order) => [...all, order], finish: (all) => all })
    .buckets(1)
    .write(clean)
})
`
