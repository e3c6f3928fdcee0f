import { once } from 'node:events'
import { createServer } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Debugger } from './fixtures/debugger.ts'
import { makeProject } from './fixtures/project.ts'

const JOB = `import { job, dataset, csv, contract, record, field, reject } from 'batchwright'
import { isFree } from '../rules.ts'

interface Order { readonly id: string; readonly qty: number }

const row = record({ id: field.text(), qty: field.integer() })
const raw = dataset('raw', { files: 'in/*.csv', format: csv(), contract: contract(1, row) })
const clean = dataset('clean', { location: 'out/clean', format: csv(), contract: contract(1, row) })

/** Orders without a quantity are not wanted. */
export function check(order: Order) {
  const doubled: number = order.qty * 2
  return isFree(doubled) ? reject('no_quantity') : { ...order, qty: doubled }
}

export default job('orders', {}, (steps) => {
  steps.records('clean').read(raw).process(check).rejects({ no_quantity: '90%' }).timeout('1s').write(clean)
})
`

const RULES = `/** Whether it costs nothing. */
export const isFree = (quantity: number): boolean => {
  const free = quantity === 0
  return free
}
`

// The state lies elsewhere: source maps must name the user's files all the same.
const project = makeProject({
  'batchwright.config.json': '{ "state": "work/state" }',
  'jobs/orders.ts': JOB,
  'rules.ts': RULES,
  'in/a.csv': 'id,qty\no1,1\no2,0\no3,4\n',
})
const jobFile = path.join(project.folder, 'jobs/orders.ts')
const rulesFile = path.join(project.folder, 'rules.ts')
const FUNCTION_LINE = 11
const RETURN_LINE = 13

test.each([
  ['inline', ['--inline'], 'main'],
  ['in a thread', [], '[worker 2] slot-1'],
] as const)(
  'a breakpoint set by file and line of TypeScript is hit %s, with its local variables',
  async (_, options, thread) => {
    const running = project.start(['rerun', 'orders', '--inspect-brk=0', ...options])
    const editor = await Debugger.attach(running, [
      { file: jobFile, line: RETURN_LINE },
      { file: rulesFile, line: 4 },
    ])
    const entered = await editor.stopped()
    expect(entered).toMatchObject({ thread, file: jobFile, functionName: 'check' })
    expect([FUNCTION_LINE, FUNCTION_LINE + 1]).toContain(entered.line)
    expect(await entered.locals()).toMatchObject({ order: { id: 'o1', qty: 1 } })
    // Longer than the step's time-out: whoever looks around must not lose the attempt.
    await sleep(1_200)
    await entered.resume()
    for (const [order, doubled] of [
      [{ id: 'o1', qty: 1 }, 2],
      [{ id: 'o2', qty: 0 }, 0],
      [{ id: 'o3', qty: 4 }, 8],
    ] as const) {
      const stop = await editor.stopped()
      expect(stop).toMatchObject({ thread, file: jobFile, line: RETURN_LINE, functionName: 'check' })
      expect(await stop.locals()).toMatchObject({ order, doubled })
      await stop.resume()
      const inside = await editor.stopped()
      expect(inside).toMatchObject({ thread, file: rulesFile, line: 4, functionName: 'isFree' })
      expect(await inside.locals()).toMatchObject({ quantity: doubled, free: doubled === 0 })
      await inside.resume()
    }
    const { code, stderr } = await running.finished
    expect(stderr).toContain('time-outs of steps and of the job are off')
    expect(code).toBe(0)
    const run = await project.json('show')
    expect(run.value).toMatchObject({ state: 'succeeded', steps: [{ read: 3, written: 2, dead: 1, retries: 0 }] })
  },
)

test('a debugger’s port that is in use is refused before anything starts', async () => {
  const fresh = makeProject({ 'jobs/orders.ts': JOB, 'rules.ts': RULES })
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const address = taken.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const { code, value } = await fresh.json('run', 'orders', `--inspect=${String(port)}`)
  taken.close()
  expect({ code, value }).toMatchObject({
    code: 2,
    value: { error: { code: 'INSPECT_PORT_IN_USE', details: { host: '127.0.0.1', port } } },
  })
  expect(fresh.files('.batchwright/**')).toEqual([])
  const wrong = await fresh.json('run', 'orders', '--inspect=debug')
  expect(wrong).toMatchObject({ code: 2, value: { error: { code: 'INSPECT_PORT_INVALID' } } })
})
