import { describe, expect, test } from 'vitest'
import { makeProject, orders, ORDERS_JOB } from './fixtures/project.ts'
import type { TestProject } from './fixtures/project.ts'
import { DAY, shop } from './fixtures/shop.ts'
import type { ErrorJson, ListJson, RunJson } from './fixtures/shop.ts'

describe('a job from nothing to its published rows', () => {
  test('jobs, plan, run, run again, show, runs, logs, dead letters, datasets', async () => {
    const project = shop()
    const jobs = await project.json<ListJson>('jobs')
    expect(jobs).toMatchObject({
      code: 0,
      value: {
        total: 1,
        items: [
          {
            name: 'orders',
            description: 'Cleans orders',
            owner: 'shop',
            window: 'day',
            steps: ['clean'],
            file: 'jobs/orders.ts',
            lastRun: null,
          },
        ],
        broken: [],
      },
    })

    const plan = await project.json<ListJson>('plan', 'orders', '--window', DAY)
    expect(plan.value).toMatchObject({
      total: 1,
      items: [
        { job: 'orders', window: DAY, steps: [{ step: 'clean', kind: 'records', partitions: [{ records: 10 }] }] },
      ],
    })
    expect((await project.json<ListJson>('runs')).value.total).toBe(0)

    const first = await project.json<RunJson>('run', 'orders', '--window', DAY)
    expect(first).toMatchObject({
      code: 0,
      value: {
        outcome: 'ran',
        state: 'succeeded',
        revision: 1,
        failure: null,
        steps: [{ name: 'clean', read: 10, accepted: 8, written: 8, dropped: 0, dead: 2, reasons: { no_quantity: 2 } }],
        published: [{ dataset: 'clean_orders', window: DAY, version: 1, rows: 8, state: 'published' }],
      },
    })
    const { runId } = first.value

    const again = await project.cli('run', 'orders', '--window', DAY)
    expect(again).toMatchObject({ code: 0, stderr: '' })
    expect(again.stdout).toBe(
      `orders ${DAY} has succeeded already (run ${runId}); nothing to do. \`rerun\` makes it anew on a new snapshot.\n`,
    )

    const shown = await project.cli('show', runId.slice(0, 12))
    expect(shown.stdout).toMatch(
      new RegExp(`^✓ orders ${DAY} {2}succeeded in .+\\n {2}run ${runId}, created .+, 10 records read from 1 file `),
    )
    expect(shown.stdout).toMatch(/\n {2}clean {9}1\/1 +10 +8 +2 /)
    expect(shown.stdout).toContain(`batchwright datasets cat clean_orders --window ${DAY}`)

    expect((await project.json<ListJson>('runs')).value).toMatchObject({
      total: 1,
      items: [{ runId, job: 'orders', state: 'succeeded' }],
    })
    expect((await project.json<Readonly<Record<string, unknown>>>('logs', '--follow')).value).toMatchObject({
      level: 'info',
      step: 'clean',
      index: 0,
      attempt: 1,
      message: 'the third order',
      fields: { qty: 2 },
    })
    expect((await project.cli('logs', '--level', 'warn')).stdout).toBe('')
    expect((await project.json<Readonly<Record<string, unknown>>>('explain', `${runId}/clean/0`)).value).toMatchObject({
      run: runId,
      step: 'clean',
      partition: 0,
      sentences: [{ kind: 'input' }, { kind: 'attempt', facts: { outcome: 'succeeded' } }, { kind: 'next' }],
    })

    const letters = await project.json<ListJson>('dead-letters', 'list')
    expect(letters.value).toMatchObject({
      total: 2,
      items: [
        { step: 'clean', cause: 'rule', reason: 'no_quantity', record: 1, window: DAY },
        { reason: 'no_quantity', record: 6 },
      ],
    })

    const csv =
      'id,qty,price\no2,1,1.50\no3,2,1.50\no4,3,1.50\no5,4,1.50\no7,1,1.50\no8,2,1.50\no9,3,1.50\no10,4,1.50\n'
    expect((await project.cli('datasets', 'cat', 'clean_orders', '--window', DAY)).stdout).toBe(csv)
    expect((await project.cli('datasets', 'cat', 'clean_orders', '--limit', '2')).stdout).toBe(
      'id,qty,price\no2,1,1.50\no3,2,1.50\n',
    )
    expect((await project.cli('datasets', 'cat', 'clean_orders', '--format', 'jsonl', '--limit', '1')).stdout).toBe(
      '{"id":"o2","qty":1,"price":"1.50"}\n',
    )
    expect((await project.json('datasets', 'cat', 'clean_orders', '--limit', '1')).value).toEqual({
      dataset: 'clean_orders',
      window: DAY,
      version: 1,
      total: 8,
      items: [{ id: 'o2', qty: 1, price: '1.50' }],
    })
    expect((await project.json<ListJson>('datasets')).value).toMatchObject({
      total: 2,
      items: [
        {
          name: 'clean_orders',
          kind: 'published',
          format: 'csv',
          window: 'day',
          jobs: ['orders'],
          windows: 1,
          latest: DAY,
        },
        { name: 'raw_orders', kind: 'files', windows: 0 },
      ],
    })
    expect(project.files('out/clean/.staging/**/*')).toEqual([])
  })

  test('a project is found from a folder inside it, and named with --project', async () => {
    const project = shop()
    project.write('deep/er/x', '')
    const inside = await makeProjectAt(project, 'deep/er').json<ListJson>('jobs')
    expect(inside.value.total).toBe(1)
    const elsewhere = makeProject({ x: '' })
    expect((await elsewhere.json<ListJson>('jobs', '--project', project.folder)).value.total).toBe(1)
    expect((await elsewhere.json<ErrorJson>('jobs')).value.error.code).toBe('PROJECT_NOT_FOUND')
  })

  test('a config file chooses the jobs; helpers beside jobs are passed over; a broken file is named', async () => {
    const project = makeProject({
      'batchwright.config.json': '{ "jobs": ["work/*.job.ts"] }',
      'work/orders.job.ts': ORDERS_JOB,
      'work/other.ts': 'export default 1',
      'work/money.job.ts': 'export const helper = 1',
      'work/broken.job.ts': 'export default 42',
    })
    const { code, value } = await project.json<ListJson & { broken: readonly { file: string; code: string }[] }>('jobs')
    expect(code).toBe(1)
    expect(value).toMatchObject({ total: 1, broken: [{ file: 'work/broken.job.ts', code: 'JOB_FILE_INVALID' }] })
    project.write('batchwright.config.json', '{ "job": "x" }')
    expect((await project.json<ErrorJson>('jobs')).value.error).toMatchObject({
      code: 'CONFIG_INVALID',
      hint: 'did you mean "jobs"?',
    })
  })
})

function makeProjectAt(project: TestProject, folder: string): Pick<TestProject, 'json'> {
  return { json: (...args) => project.json(...args, '--project', `${project.folder}/${folder}/../..`) }
}

describe('ranges of windows', () => {
  test('each window has its run, in order; those that are done are passed over', async () => {
    const project = shop({ '2026-03-01': orders(5), '2026-03-02': orders(6), '2026-03-03': orders(7) })
    await project.cli('run', 'orders', '--window', '2026-03-02')
    const { code, value } = await project.json<ListJson>('run', 'orders', '--window', '2026-03-01..2026-03-03')
    expect(code).toBe(0)
    expect(value.total).toBe(3)
    expect(value.items.map((run) => run['outcome'])).toEqual(['ran', 'already-succeeded', 'ran'])
    const text = await project.cli('run', 'orders', '--window', '2026-03-01..2026-03-03')
    expect(text.stdout).toMatch(/^orders {2}3 of 3 windows succeeded, all of them before; nothing to do/)
    expect(text.stdout).toMatch(/\n {2}2026-03-02 {2}succeeded {8}6 /)
  })

  test('the first window that fails ends the range', async () => {
    const project = shop({ '2026-03-01': orders(5), '2026-03-03': orders(5) })
    const { code, value } = await project.json<ListJson>('run', 'orders', '--window', '2026-03-01..2026-03-03')
    expect(code).toBe(1)
    expect(value).toMatchObject({
      total: 3,
      items: [{ state: 'succeeded' }, { state: 'failed', failure: { code: 'INPUT_MISSING' } }],
    })
  })
})

describe('runs that fail', () => {
  test("the user's own line is shown, and after a mend the same command goes on under the new code", async () => {
    const project = shop({ [DAY]: orders(10, ['boom,1,1.50']) })
    const failed = await project.cli('run', 'orders', '--window', DAY)
    expect(failed.code).toBe(1)
    expect(failed.stderr).toContain('error: clean, partition 0: ')
    expect(failed.stderr).toContain('boom: boom')
    expect(failed.stderr).not.toContain('node_modules')
    expect(failed.stderr).not.toMatch(/^ {4}at /m)
    project.write(
      'jobs/orders.ts',
      ORDERS_JOB.replace("if (order.id === 'boom') throw", "if (order.id === 'never') throw"),
    )
    const mended = await project.json<RunJson>('run', 'orders', '--window', DAY)
    expect(mended).toMatchObject({
      code: 0,
      value: { outcome: 'resumed', state: 'succeeded', steps: [{ read: 11, written: 9 }] },
    })
  })

  test('changed code whose plans are others is refused, with the difference and both ways on', async () => {
    const project = shop({ [DAY]: orders(10, ['boom,1,1.50']) })
    const first = await project.json<RunJson>('run', 'orders', '--window', DAY)
    project.write('jobs/orders.ts', ORDERS_JOB.replaceAll('contract(1, row)', 'contract(2, row)'))
    const { code, value } = await project.json<ErrorJson>('run', 'orders', '--window', DAY)
    expect(code).toBe(1)
    expect(value.error).toMatchObject({
      code: 'PLAN_CHANGED',
      message: `orders ${DAY} cannot go on with the changed jobs/orders.ts: step "clean": it differs in contracts`,
      hint: `\`batchwright retry ${first.value.runId} --code pinned\` goes on with the code it was begun with; \`batchwright rerun orders --window ${DAY}\` makes a new revision with the new code`,
    })
    expect((await project.json<RunJson>('rerun', 'orders', '--window', DAY)).value).toMatchObject({
      revision: 2,
      state: 'failed',
    })
  })

  test('retry goes on with a failed run; --from makes a step again; what has succeeded is refused', async () => {
    const project = shop({})
    const first = await project.json<RunJson>('run', 'orders', '--window', DAY)
    expect(first).toMatchObject({ code: 1, value: { failure: { code: 'INPUT_MISSING' } } })
    project.write(`in/${DAY}.csv`, orders(10))
    expect(await project.json<RunJson>('retry', 'latest', '--from', 'clean')).toMatchObject({
      code: 0,
      value: { outcome: 'resumed', state: 'succeeded' },
    })
    expect((await project.json<ErrorJson>('retry', 'latest')).value.error).toMatchObject({
      code: 'RUN_NOT_RESUMABLE',
      hint: `\`batchwright rerun orders --window ${DAY}\` makes it anew`,
    })
  })

  test('a store file that is no store is named, and left as it is', async () => {
    const project = shop()
    project.write('.batchwright/store.db', 'not a database at all, whatever its name says\n'.repeat(100))
    const { code, value } = await project.json<ErrorJson>('runs')
    expect(code).toBe(1)
    expect(value.error.code).toBe('STORE_CORRUPT')
    expect(project.read('.batchwright/store.db')).toContain('not a database')
  })
})

describe('dead letters', () => {
  test('are filtered, shown whole, exported, and leave the list when they are discarded', async () => {
    const project = shop({ [DAY]: orders(10, ['o11,x,1.50']) })
    project.write('jobs/orders.ts', ORDERS_JOB.replace('.commit(', ".skip('50%')\n    .commit("))
    expect((await project.json<RunJson>('run', 'orders', '--window', DAY)).value.steps[0]).toMatchObject({ dead: 3 })
    const contract = await project.json<ListJson>('dead-letters', 'list', 'orders', '--cause', 'contract')
    expect(contract.value).toMatchObject({
      total: 1,
      items: [{ cause: 'contract', record: 11, source: `in/${DAY}.csv` }],
    })
    const id = String(contract.value.items[0]?.['id'])
    expect((await project.json('dead-letters', 'show', id.slice(0, 10))).value).toMatchObject({ id, raw: 'o11,x,1.50' })
    const whole = (await project.cli('dead-letters', 'show', id)).stdout
    expect(whole).toContain(`where      in/${DAY}.csv`)
    const [, mend = ''] = /^mend +batchwright (.+)$/m.exec(whole) ?? []
    const [, replay] = /then: batchwright (.+)\n$/.exec((await project.cli(...mend.split(' '))).stdout) ?? []
    expect(replay).toMatch(/^dead-letters replay --run \w+ --file letters\.jsonl$/)
    expect(project.read('letters.jsonl')).toContain(id)

    const csv = (await project.cli('dead-letters', 'export', '--format', 'csv')).stdout.trimEnd().split('\n')
    expect(csv[0]).toBe('id,step,cause,reason,message,source,window,record,offset,raw')
    expect(csv).toHaveLength(4)
    expect(await project.json('dead-letters', 'export', '--output', 'dead.jsonl')).toMatchObject({
      code: 0,
      value: { exported: 3 },
    })
    expect(
      project
        .read('dead.jsonl')
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { id: string }).id),
    ).toContain(id)

    expect(
      (await project.json('dead-letters', 'discard', '--reason', 'no_quantity', '--why', 'known')).value,
    ).toMatchObject({ discarded: 2 })
    expect((await project.json<ListJson>('dead-letters', 'list')).value.total).toBe(1)
    expect((await project.json<ListJson>('dead-letters', 'list', '--discarded')).value).toMatchObject({
      total: 3,
      items: [{ discarded: { why: 'known' } }, { discarded: { why: 'known' } }, { discarded: null }],
    })
    expect((await project.json<RunJson>('dead-letters', 'replay', id)).value).toMatchObject({
      state: 'succeeded',
      revision: 2,
      steps: [{ read: 11, dead: 3 }],
    })
    expect((await project.json<ListJson>('dead-letters', 'list')).value).toMatchObject({ total: 1, items: [{ id }] })
    expect((await project.json<ErrorJson>('dead-letters', 'discard')).value.error.message).toBe(
      'which dead letters? neither ids nor a filter are given',
    )
    expect((await project.json<ErrorJson>('dead-letters', 'show', 'zzz')).value.error.code).toBe('DEAD_LETTER_UNKNOWN')
  })

  test('of a run that failed on too many are there to be looked at', async () => {
    const project = shop({ [DAY]: ['id,qty,price', 'a,0,1.00', 'b,0,1.00', 'c,1,1.00', ''].join('\n') })
    expect(await project.json<RunJson>('run', 'orders', '--window', DAY)).toMatchObject({
      code: 1,
      value: { state: 'failed' },
    })
    expect((await project.json<ListJson>('dead-letters', 'list')).value.total).toBe(2)
  })
})
