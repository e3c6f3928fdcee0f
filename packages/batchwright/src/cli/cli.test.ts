import { rmSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeProject, orders, ORDERS_JOB, untilWritten } from './fixtures/project.ts'
import type { TestProject } from './fixtures/project.ts'

interface RunJson {
  readonly outcome: string
  readonly runId: string
  readonly state: string
  readonly revision: number
  readonly failure: { readonly code: string; readonly message: string } | null
  readonly steps: readonly {
    readonly name: string
    readonly read: number
    readonly written: number
    readonly dead: number
  }[]
  readonly published: readonly { readonly dataset: string; readonly version: number; readonly rows: number }[]
}

interface ListJson {
  readonly total: number
  readonly items: readonly Readonly<Record<string, unknown>>[]
}

interface ErrorJson {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | null }
}

const DAY = '2026-03-01'

function shop(days: Readonly<Record<string, string>> = { [DAY]: orders(10) }): TestProject {
  const files = Object.fromEntries(Object.entries(days).map(([day, text]) => [`in/${day}.csv`, text]))
  return makeProject({ 'jobs/orders.ts': ORDERS_JOB, ...files })
}

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

const SLOW = { SLOW_MS: '20' }
const STAGED = 'out/clean/.staging/**/*.csv'

describe('runs that are stopped', () => {
  async function undisturbed(): Promise<string> {
    const project = shop({ [DAY]: orders(300) })
    await project.cli('run', 'orders', '--window', DAY)
    return project.read(`out/clean/${DAY}/v000001/part-00000.csv`)
  }

  test('Ctrl-C commits, tells how to go on and exits with 130; the same command goes on, to the same bytes', async () => {
    const project = shop({ [DAY]: orders(300) })
    const running = project.start(['run', 'orders', '--window', DAY], SLOW)
    await untilWritten(project, STAGED, running)
    running.child.kill('SIGINT')
    const stopped = await running.finished
    expect(stopped.code).toBe(130)
    expect(stopped.stderr).toContain(
      'SIGINT: stopping at the next commit, so that nothing is lost; once more stops at once',
    )
    expect(stopped.stderr).toContain(
      `interrupted; everything up to the last checkpoint is kept. To go on: batchwright run orders --window ${DAY}`,
    )
    const shown = await project.json<RunJson>('show')
    const before = shown.value.steps[0]?.read ?? 0
    expect(before).toBeGreaterThan(0)
    expect(before).toBeLessThan(300)
    expect(await project.json<RunJson>('run', 'orders', '--window', DAY)).toMatchObject({
      code: 0,
      value: { outcome: 'resumed', state: 'succeeded', steps: [{ read: 300, written: 240, dead: 60 }] },
    })
    expect(project.read(`out/clean/${DAY}/v000001/part-00000.csv`)).toBe(await undisturbed())
    expect(project.files('out/clean/.staging/**/*')).toEqual([])
  })

  test('SIGTERM stops as Ctrl-C does, and --json says interrupted', async () => {
    const project = shop({ [DAY]: orders(300) })
    const running = project.start(['run', 'orders', '--window', DAY, '--json'], SLOW)
    await untilWritten(project, STAGED, running)
    running.child.kill('SIGTERM')
    const { code, stdout, stderr } = await running.finished
    expect(code).toBe(130)
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'interrupted', state: 'running', endedAt: null })
  })

  test('a second Ctrl-C ends the process at once, whatever its steps do', async () => {
    const project = shop({ [DAY]: orders(300) })
    const { child, finished } = project.start(['run', 'orders', '--window', DAY], { ENDLESS: '1' })
    await untilSays(child.stderr, 'clean: running')
    child.kill('SIGINT')
    await untilSays(child.stderr, 'stopping at the next commit')
    child.kill('SIGINT')
    expect(await finished).toMatchObject({ code: 130, signal: null })
  })

  test('killed with SIGKILL and typed again, it goes on from its checkpoint to the same bytes', async () => {
    const project = shop({ [DAY]: orders(300) })
    const killed = await project.start(['run', 'orders', '--window', DAY], {
      ...SLOW,
      BATCHWRIGHT_FAIL_POINTS: 'loop.checkpointed@2=kill',
    }).finished
    expect(killed.signal).toBe('SIGKILL')
    const again = await project.cli('run', 'orders', '--window', DAY)
    expect(again.code).toBe(0)
    expect(again.stderr).toMatch(/^orders 2026-03-01 was begun before: going on from its checkpoints \(run .+\)\n/)
    expect(project.read(`out/clean/${DAY}/v000001/part-00000.csv`)).toBe(await undisturbed())
    expect(project.files('out/clean/.staging/**/*')).toEqual([])
  })

  test('two processes work on one run, and its output is there once', async () => {
    const project = shop({ [DAY]: orders(100) })
    const both = [1, 2].map(() => project.start(['run', 'orders', '--window', DAY], { SLOW_MS: '5' }).finished)
    for (const { code } of await Promise.all(both)) expect(code).toBe(0)
    expect((await project.json<ListJson>('runs')).value.total).toBe(1)
    expect((await project.cli('datasets', 'cat', 'clean_orders')).stdout.trim().split('\n')).toHaveLength(81)
  })

  test('pause by another process ends the work; run refuses; resume goes on', async () => {
    const project = shop({ [DAY]: orders(300) })
    const working = project.start(['run', 'orders', '--window', DAY], SLOW)
    await untilWritten(project, STAGED, working)
    expect((await project.json<RunJson>('pause', 'orders')).value).toMatchObject({ paused: true })
    const paused = await working.finished
    expect(paused.code).toBe(0)
    expect(paused.stderr).toMatch(/paused; `batchwright resume .+` goes on/)
    expect((await project.json<ErrorJson>('run', 'orders', '--window', DAY)).value.error.code).toBe('RUN_PAUSED')
    expect(await project.json<RunJson>('resume', 'latest')).toMatchObject({
      code: 0,
      value: { state: 'succeeded', steps: [{ read: 300 }] },
    })
    expect((await project.json<ErrorJson>('pause', 'latest')).value.error.code).toBe('RUN_ENDED')
  })

  test('cancel by another process ends the run; retry takes it up again', async () => {
    const project = shop({ [DAY]: orders(300) })
    const working = project.start(['run', 'orders', '--window', DAY], SLOW)
    await untilWritten(project, STAGED, working)
    expect((await project.json<RunJson>('cancel', 'latest')).value).toMatchObject({ state: 'cancelled' })
    expect((await working.finished).code).toBe(1)
    expect(await project.json<RunJson>('retry', 'latest')).toMatchObject({
      code: 0,
      value: { state: 'succeeded', steps: [{ read: 300 }] },
    })
  })
})

async function untilSays(stream: NodeJS.ReadableStream | null, text: string): Promise<void> {
  let said = ''
  await new Promise<void>((resolve, reject) => {
    const listen = (piece: unknown): void => {
      said += String(piece)
      if (!said.includes(text)) return
      stream?.off('data', listen)
      resolve()
    }
    stream?.on('data', listen)
    stream?.once('end', () => {
      reject(new Error(`ended without saying ${JSON.stringify(text)}:\n${said}`))
    })
  })
}

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
    expect((await project.cli('dead-letters', 'show', id)).stdout).toContain(`where      in/${DAY}.csv`)

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

test('a command ends although the job file left a timer running, in its slot or beside it', async () => {
  const project = shop({ [DAY]: orders(2) })
  project.write('jobs/orders.ts', `${project.read('jobs/orders.ts')}\nsetInterval(() => undefined, 1000)\n`)
  expect(await project.cli('run', 'orders', '--window', DAY)).toMatchObject({ code: 0, signal: null })
  expect(await project.cli('run', 'orders', '--window', DAY)).toMatchObject({ code: 0, signal: null })
})

describe('versions of a dataset', () => {
  test('a store made anew beside published versions goes on above their numbers', async () => {
    const project = shop({ [DAY]: orders(2) })
    const loseStore = () => {
      for (const file of project.files('.batchwright/store.db*')) rmSync(path.join(project.folder, file))
    }
    await project.cli('run', 'orders', '--window', DAY)
    loseStore()
    project.write(`in/${DAY}.csv`, orders(3))
    const again = await project.json<RunJson>('run', 'orders', '--window', DAY)
    expect(again.value).toMatchObject({ state: 'succeeded', published: [{ version: 2 }] })
    expect((await project.cli('datasets', 'cat', 'clean_orders')).stdout).toContain('o3')
    loseStore()
    const rolled = await project.json('rollback', 'clean_orders', '--window', DAY)
    expect(rolled.value).toMatchObject({ version: 3, showsVersion: 1 })
  })

  test('rerun publishes the next; rollback shows the former again as a new one; each can be printed', async () => {
    const project = shop({ [DAY]: orders(2) })
    await project.cli('run', 'orders', '--window', DAY)
    project.write(`in/${DAY}.csv`, orders(3))
    expect((await project.json<RunJson>('rerun', 'orders', '--window', DAY)).value).toMatchObject({
      revision: 2,
      published: [{ version: 2 }],
    })
    const rolled = await project.json('rollback', 'clean_orders', '--window', DAY)
    expect(rolled.value).toEqual({ dataset: 'clean_orders', window: DAY, version: 3, showsVersion: 1 })
    expect((await project.cli('datasets', 'cat', 'clean_orders')).stdout).toBe('id,qty,price\no2,1,1.50\n')
    expect((await project.cli('datasets', 'cat', 'clean_orders', '--version', '2')).stdout).toBe(
      'id,qty,price\no2,1,1.50\no3,2,1.50\n',
    )
    const { value } = await project.json<{ versions: ListJson }>('datasets', 'show', 'clean_orders')
    expect(value.versions).toMatchObject({
      total: 3,
      items: [
        { number: 3, current: true, rollbackTo: 1 },
        { number: 2, current: false, rows: 2 },
        { number: 1, current: false, rows: 1 },
      ],
    })
    expect((await project.json<ErrorJson>('rollback', 'clean_orders', '--to', '1')).value.error.code).toBe(
      'ALREADY_CURRENT',
    )
    expect((await project.json<ErrorJson>('rollback', 'clean_orders')).value.error.code).toBe('NO_EARLIER_VERSION')
    expect((await project.json<ErrorJson>('datasets', 'cat', 'clean_orders', '--version', '9')).value.error.code).toBe(
      'VERSION_NOT_FOUND',
    )
  })

  test('a part that was changed is not printed', async () => {
    const project = shop({ [DAY]: orders(2) })
    await project.cli('run', 'orders', '--window', DAY)
    project.write(`out/clean/${DAY}/v000001/part-00000.csv`, 'id,qty,price\no2,9,9.99\n')
    const { code, value } = await project.json<ErrorJson>('datasets', 'cat', 'clean_orders')
    expect(code).toBe(1)
    expect(value.error.code).toBe('CHECKSUM_MISMATCH')
  })
})
