import { mkdirSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeProject, orders, ORDERS_JOB, untilWritten, type Finished, type TestProject } from './fixtures/project.ts'

const REPOSITORY = path.join(import.meta.dirname, '../../../..')

interface Item {
  readonly level: string
  readonly about: string
  readonly code: string | null
  readonly message: string
  readonly hint: string | null
  readonly place: { readonly file: string; readonly line: number } | null
}

interface Checked {
  readonly ok: boolean
  readonly errors: number
  readonly warnings: number
  readonly items: readonly Item[]
}

function withTypeScript(project: TestProject): void {
  mkdirSync(path.join(project.folder, 'node_modules'))
  for (const name of ['typescript', '@types']) {
    symlinkSync(path.join(REPOSITORY, 'node_modules', name), path.join(project.folder, 'node_modules', name))
  }
  symlinkSync(path.join(REPOSITORY, 'packages/batchwright'), path.join(project.folder, 'node_modules', 'batchwright'))
}

/** Everything but the state folder. */
function filesOf(project: TestProject): readonly string[] {
  return project.files('**/*').filter((file) => !file.startsWith('node_modules'))
}

describe('dev --once', () => {
  let project: TestProject
  let before: readonly string[]
  let text: Finished

  beforeAll(async () => {
    project = makeProject({
      'jobs/orders.ts': ORDERS_JOB,
      'in/2026-03-01.csv': orders(300),
      'package.json': '{ "type": "module" }',
    })
    before = filesOf(project)
    text = await project.cli('dev', '--once')
  })

  test('shows records before and after, rejects by rule, and what would be published', () => {
    expect(text.code).toBe(0)
    expect(text.stdout.split('\n').slice(1, 12)).toEqual([
      'orders  2026-03-01  jobs/orders.ts',
      '  reads raw_orders: 200 records of in/2026-03-01.csv, the first of it',
      '',
      'clean  200 read, 160 written, 40 set aside',
      '  id   qty  price  →  id  qty  price',
      '  o1   0    1.50   →                  ✗ no_quantity',
      '  o2   1    1.50   →  o2  1    1.50',
      '  o3   2    1.50   →  o3  2    1.50',
      '  o4   3    1.50   →  o4  3    1.50',
      '  o6   0    1.50   →                  ✗ no_quantity',
      '  o11  0    1.50   →                  ✗ no_quantity',
    ])
    expect(text.stdout).toContain('would publish clean_orders  160 records of this sample')
    expect(text.stdout).toContain('types: not checked: typescript is not installed in this project')
  })

  test('publishes nothing and leaves nothing', () => {
    expect(filesOf(project)).toEqual(before)
    expect(project.files('.batchwright/**/*')).toEqual(['.batchwright/scratch'])
  })

  test('gives one object with --json, and takes sample, step and window', async () => {
    const { code, value } = await project.json<{
      readonly pass: number
      readonly jobs: readonly {
        readonly job: string
        readonly window: string
        readonly steps: readonly { readonly counters: { readonly read: number } }[]
      }[]
    }>('dev', 'orders', '--once', '--sample', '7', '--step', 'clean', '--window', '2026-03-01')
    expect(code).toBe(0)
    expect(value.jobs.map(({ job, window, steps }) => [job, window, steps[0]?.counters.read])).toEqual([
      ['orders', '2026-03-01', 7],
    ])
  })

  test('exits with 1 where a run would break, and shows the line', async () => {
    project.write('jobs/orders.ts', ORDERS_JOB.replace('.read(raw)', '.raed(raw)'))
    const broken = await project.cli('dev', '--once')
    project.write('jobs/orders.ts', ORDERS_JOB)
    expect(broken.code).toBe(1)
    expect(broken.stdout).toContain('jobs/orders.ts:20:6')
    expect(broken.stdout).toContain('.raed(raw)')
  })

  test('a job that is not there is named with the nearest', async () => {
    const unknown = await project.cli('dev', 'ordrs', '--once')
    expect(unknown.code).toBe(2)
    expect(unknown.stderr).toContain('Did you mean "orders"?')
  })
})

describe('dev', () => {
  test('begins anew when a file changes, also out of an endless loop, and ends with Ctrl-C', async () => {
    const project = makeProject({
      'jobs/orders.ts': ORDERS_JOB.replace('if (order.qty === 0)', 'while (order.qty === 0) ;\n  if (order.qty === 0)'),
      'in/2026-03-01.csv': orders(30),
    })
    const running = project.start(['dev', 'orders'])
    const said = listen(running.child.stdout)
    const noted = listen(running.child.stderr)
    // The sample stands in the scratch folder: the loop has begun.
    await untilWritten(project, '.batchwright/scratch/*/pass-1/project/in/*.csv', running)
    project.write('jobs/orders.ts', ORDERS_JOB)
    await said.until('o2  1    1.50')
    expect(noted.text()).toContain('a file has changed: beginning anew')

    project.write('jobs/orders.ts', ORDERS_JOB.replaceAll('no_quantity', 'empty_order'))
    await said.until('✗ empty_order')
    project.write('in/2026-03-01.csv', orders(30, ['x1,9,7.77']))
    await said.until('31 read')
    await noted.until('watching', 3)
    running.child.kill('SIGINT')
    const { code } = await running.finished
    expect(code).toBe(0)
    expect(project.files('.batchwright/scratch/*')).toEqual([])
  })
})

interface Heard {
  text(): string
  /** Resolves when a text has been heard, `times` times. */
  until(wanted: string, times?: number): Promise<void>
}

function listen(stream: NodeJS.ReadableStream | null): Heard {
  let heard = ''
  let waiting: (() => void)[] = []
  stream?.on('data', (piece: string) => {
    heard += piece
    waiting.forEach((look) => {
      look()
    })
  })
  return {
    text: () => heard,
    until: (wanted, times = 1) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (heard.split(wanted).length <= times) return
          waiting = waiting.filter((each) => each !== look)
          resolve()
        }
        waiting.push(look)
        look()
      }),
  }
}

describe('check', () => {
  let project: TestProject

  beforeAll(async () => {
    project = makeProject({
      'jobs/orders.ts': ORDERS_JOB,
      'in/2026-03-01.csv': orders(50),
      'package.json': '{ "type": "module" }',
    })
    expect((await project.cli('run', 'orders', '--window', '2026-03-01')).code).toBe(0)
  })

  afterAll(() => {
    project.write('jobs/orders.ts', ORDERS_JOB)
  })

  const found = async (
    text: string,
    ...options: readonly string[]
  ): Promise<{ code: number | null; value: Checked }> => {
    project.write('jobs/orders.ts', text)
    return project.json<Checked>('check', ...options)
  }
  const codes = ({ items }: Checked, level: string): readonly (string | null)[] =>
    items.filter((item) => item.level === level).map((item) => item.code)

  test('passes where tonight would, and warns of what one will be sorry for, with its place', async () => {
    const { code, value } = await found(ORDERS_JOB)
    expect(code).toBe(0)
    expect(value).toMatchObject({ ok: true, errors: 0 })
    expect(codes(value, 'warning')).toEqual(['TYPES_UNCHECKED', 'DATASET_UNCHECKED'])
    expect(value.items.find((item) => item.code === 'DATASET_UNCHECKED')?.place).toMatchObject({
      file: 'jobs/orders.ts',
      line: 6,
    })
    expect(value.items.filter((item) => item.level === 'ok').map((item) => item.message)).toEqual([
      'no configuration file: defaults',
      'jobs/orders.ts: 1 step, 2 datasets',
      'clean_orders: version 1 reads what is published (2026-03-01)',
      'raw_orders: 1 file for 2026-03-01',
      '50 records through 1 step: 40 of clean_orders',
    ])
  })

  test('counts warnings with --strict', async () => {
    expect((await found(ORDERS_JOB, '--strict')).code).toBe(1)
  })

  test('refuses a contract that was changed without a new version, and one without the way from the old', async () => {
    const changed = ORDERS_JOB.replace(
      'const clean = ',
      "const other = record({ id: field.text(), qty: field.oneOf(['7']), price: field.decimal({ scale: 2 }) })\nconst clean = ",
    )
    const narrow = changed.replace(
      'format: csv(), contract: contract(1, row) })\n\nasync',
      'format: csv(), contract: contract(1, other) })\n\nasync',
    )
    expect(narrow).not.toBe(changed)
    const same = await found(narrow)
    expect(same.code).toBe(1)
    expect(codes(same.value, 'error')).toContain('CONTRACT_CHANGED')
    const raised = await found(narrow.replace('contract(1, other)', 'contract(2, other)'))
    expect(codes(raised.value, 'error')).toContain('CONTRACT_UPCAST_MISSING')
    const upcast = "contract(2, other, { upcast: { 1: (old) => ({ ...old, qty: '7' }) } })"
    const mended = await found(narrow.replace('contract(1, other)', upcast))
    expect(codes(mended.value, 'error').filter((code) => code?.startsWith('CONTRACT_'))).toEqual([])
  })

  test('finds a missing column, a missing input, a step that ends its process and one that fails for every record', async () => {
    const column = await found(
      ORDERS_JOB.replace('qty: field.integer()', 'quantity: field.integer()').replaceAll('order.qty', 'order.quantity'),
    )
    expect(codes(column.value, 'error')).toContain('COLUMN_MISSING')
    const input = await found(ORDERS_JOB, '--window', '2026-03-02')
    expect(codes(input.value, 'error')).toEqual(['INPUT_MISSING'])
    const exits = await found(
      ORDERS_JOB.replace(
        "if (order.id === 'boom')",
        "if (order.id === 'o3') process.exit(3)\n  if (order.id === 'boom')",
      ),
    )
    expect(exits.value.items.find((item) => item.code === 'PASS_ENDED')?.message).toContain(
      'in step clean (exit code 3)',
    )
    const fails = await found(
      ORDERS_JOB.replace("if (order.id === 'boom')", "nothere(order)\n  if (order.id === 'boom')"),
    )
    expect(codes(fails.value, 'error')).toEqual(['RECORDS_ALL_FAIL'])
  })

  test('warns of what is unused and of settings that allow everything', async () => {
    const risky = ORDERS_JOB.replace("no_quantity: '50%'", "no_quantity: '100%'")
      .replace("owner: 'shop', ", '')
      .replace(
        'async function',
        "const old = dataset('old', { files: 'x.csv', format: csv(), contract: contract(1, row) })\nasync function",
      )
    const { code, value } = await found(risky)
    expect(code).toBe(0)
    expect(codes(value, 'warning')).toEqual([
      'TYPES_UNCHECKED',
      'JOB_OWNERLESS',
      'LIMIT_ALLOWS_ALL',
      'DATASET_UNCHECKED',
      'DATASET_UNUSED',
    ])
    const unlimited = await found(ORDERS_JOB.replace(".rejects({ no_quantity: '50%' })\n", ''))
    expect(codes(unlimited.value, 'warning')).toContain('REJECTS_UNLIMITED')
  })

  test('checks types with the TypeScript of the project, at their line', async () => {
    withTypeScript(project)
    const { code, value } = await found(ORDERS_JOB)
    expect(code).toBe(1)
    const types = value.items.filter((item) => item.about === 'types')
    expect(types.map((item) => [item.code, item.place?.file, item.place?.line])).toEqual([
      ['TS7006', 'jobs/orders.ts', 8],
      ['TS7006', 'jobs/orders.ts', 8],
    ])
  })
})

describe('doctor', () => {
  test('tells each setting with its source, and a mistyped one with what was meant', async () => {
    const project = makeProject({
      'jobs/orders.ts': ORDERS_JOB,
      'in/2026-03-01.csv': orders(5),
      'batchwright.config.json': '{ "slots": { "count": 1, "memory": "256MB" }, "state": "kept" }',
    })
    expect((await project.cli('run', 'orders', '--window', '2026-03-01')).code).toBe(0)
    const well = await project.json<{ readonly fails: number; readonly items: readonly Item[] }>('doctor')
    expect([well.code, well.value.fails]).toEqual([0, 0])
    expect(well.value.items.map((item) => item.message)).toEqual(
      expect.arrayContaining([
        'slots.count = 1 (from batchwright.config.json)',
        'slots.memory = 256 MB (from batchwright.config.json)',
        'integrity check passed',
        'no run is unfinished',
      ]),
    )
    expect(project.files('kept/store.db')).toEqual(['kept/store.db'])

    project.write('batchwright.config.json', '{ "slot": {} }')
    const mistyped = await project.json<{ readonly items: readonly Item[] }>('doctor')
    expect(mistyped.code).toBe(1)
    expect(mistyped.value.items[0]).toMatchObject({ level: 'fail', code: 'CONFIG_INVALID' })
  })
})
