import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const ROOT = path.join(import.meta.dirname, '../../../..')
const PACKAGE = path.join(ROOT, 'packages/batchwright')

const JOB = `import { contract, csv, dataset, field, job, jsonl, record, reject, service, type RecordOf } from 'batchwright'

const row = record({ id: field.text(), price: field.decimal({ scale: 2 }) })
const raw = dataset('raw', { files: 'in/*.csv', format: csv(), contract: contract(1, row) })
const clean = dataset('clean', { location: 'out', format: jsonl(), contract: contract(1, row), key: ['id'] })
export const rates = service('rates', { open: () => ({ factor: (): number => 1 }) })

export function check(order: RecordOf<typeof row>) {
  return order.price.isZero() ? reject('free') : order
}
export default job('orders', {}, (steps) => {
  const checked = steps.records('check').read(raw).process(check).rejects({ free: '90%' }).write(clean)
  steps.records('rate').read(checked).use({ rates }).process((order, { use }) => ({ ...order, price: order.price.times(use.rates.factor()) }))
})
`

/** The same tests for every runner: `test` is all that they need of it. */
const TESTS = `import orders, { check, rates } from '../jobs/orders.ts'
import { assertContract, assertDead, assertWritten, fakeService, matchesGolden, restartAtEveryCommit, runInMemory, testStep, validRecords } from 'batchwright/testing'

const raw = 'id,price\\no1,1.50\\no2,0.00\\n'

test('a step, by itself and by name', async () => {
  assertDead(await testStep(orders, 'check', { id: 'o2', price: '0.00' }), 'free')
  const outcome = await testStep(orders, 'check', { id: 'o1', price: '1.50' })
  assertWritten(outcome)
  const [order] = await Promise.all([outcome.records[0]])
  assertWritten(await testStep(check, order as never), order as never)
})
test('a run in memory, golden, with a fake', async () => {
  const fake = fakeService(rates, { factor: () => 2 })
  matchesGolden(await runInMemory(orders, { inputs: { raw }, services: { rates: fake.client } }), 'golden/orders.golden')
  if (fake.calls.length !== 1) throw new Error('expected one call')
})
test('restarts', async () => {
  await restartAtEveryCommit(orders, { step: 'check', inputs: { raw } })
})
test('a contract', async () => {
  const { dataset } = orders.steps[0]!.output!
  await assertContract(dataset as never, [...validRecords(dataset as never, { count: 5 })] as never)
})
test('this one fails', async () => {
  assertWritten(await testStep(orders, 'check', { id: 'o1', price: '1.50' }), { id: 'o1', price: '1.60' })
})
`

const GOLDEN = `## clean (by id)
{"id":"o1","price":"1.50"}

## dead letters of check
{"record":2,"window":null,"cause":"rule","reason":"free","message":"free","raw":"o2,0.00"}
`

let project = ''
let built = ''

beforeAll(() => {
  mkdirSync(path.join(PACKAGE, 'node_modules'), { recursive: true })
  built = mkdtempSync(path.join(PACKAGE, 'node_modules/.kit-'))
  const { status, stderr } = run([path.join(PACKAGE, 'build.mjs'), `--outdir=${built}`], PACKAGE)
  if (status !== 0) throw new Error(stderr)
  project = mkdtempSync(path.join(tmpdir(), 'batchwright-runners-'))
  write('package.json', '{ "type": "module" }')
  write('jobs/orders.ts', JOB)
  write('tests/golden/orders.golden', GOLDEN)
  write('tests/kit.node.ts', `import { test } from 'node:test'\n${TESTS}`)
  write('tests/kit.test.ts', `import { test } from 'vitest'\n${TESTS}`)
  write(
    'node_modules/batchwright/package.json',
    JSON.stringify({
      name: 'batchwright',
      type: 'module',
      exports: { '.': './dist/index.js', './testing': './dist/testing.js' },
    }),
  )
  symlinkSync(built, path.join(project, 'node_modules/batchwright/dist'))
  symlinkSync(path.join(ROOT, 'node_modules/vitest'), path.join(project, 'node_modules/vitest'))
})

afterAll(() => {
  rmSync(built, { recursive: true, force: true })
  rmSync(project, { recursive: true, force: true })
})

function write(file: string, text: string): void {
  mkdirSync(path.dirname(path.join(project, file)), { recursive: true })
  writeFileSync(path.join(project, file), text)
}

function run(
  args: readonly string[],
  cwd: string,
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  // A runner inside a runner must not take the outer one's settings for its own.
  const env = { ...process.env, NODE_OPTIONS: '', VITEST: '', NO_COLOR: '1', CI: '' }
  Reflect.deleteProperty(env, 'NODE_TEST_CONTEXT')
  return spawnSync(process.execPath, args, { cwd, encoding: 'utf8', env })
}

/** What the failing test must show, whoever runs it. */
const SHOWN = 'price: expected "1.60", found "1.50"'

test('the kit works under node:test', () => {
  const { status, stdout } = run(['--test', '--test-reporter=tap', 'tests/kit.node.ts'], project)
  expect(stdout).toContain('# pass 4')
  expect(stdout).toContain('# fail 1')
  expect(stdout).toContain(SHOWN)
  expect(status).toBe(1)
})

test('the kit works under vitest', () => {
  const vitest = path.join(ROOT, 'node_modules/vitest/vitest.mjs')
  const { status, stdout, stderr } = run([vitest, 'run', '--root', project, '--reporter=verbose'], project)
  expect(stdout).toContain('1 failed | 4 passed')
  expect(stdout + stderr).toContain(SHOWN)
  expect(status).toBe(1)
})
