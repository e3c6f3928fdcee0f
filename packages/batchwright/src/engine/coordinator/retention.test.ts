import { expect, it } from 'vitest'
import { seededRandom } from '../../kernel/random.ts'
import { SettableClock } from '../../store/conformance/index.ts'
import { FAILURE, newRun, newWorker, partitions, plan, step } from '../../store/conformance/world.ts'
import { openSqliteStore } from '../../store/index.ts'
import { retention } from './retention.ts'

it('a pass deletes all that is old enough, in as many transactions as it takes, and ends when it is told to', async () => {
  const clock = new SettableClock()
  const store = await openSqliteStore({ path: ':memory:', clock })
  await store.registerWorker(newWorker('w'))
  await store.createRun(newRun('run-1', [step('a')]))
  const [task] = await store.claim({ workerId: 'w', claimId: 'c', limit: 1 })
  if (task === undefined) throw new Error('expected the plan task')
  await store.addPartitions(task, partitions(12_000))
  await store.finish([{ ...task, end: { kind: 'planned', plan: plan(12_000) } }])
  const [first] = await store.claim({ workerId: 'w', claimId: 'd', limit: 1 })
  if (first === undefined) throw new Error('expected a partition')
  await store.finish([{ ...first, end: { kind: 'failed', error: FAILURE } }])
  const duty = retention({ keepMs: 1000 })
  const stopping = new AbortController()
  const pass = async (signal: AbortSignal): ReturnType<typeof duty.pass> => {
    const passed = { ended: false }
    const passing = duty.pass({ store, clock, random: seededRandom(1), signal }).finally(() => {
      passed.ended = true
    })
    for (; !passed.ended;) {
      clock.advance(20)
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    return await passing
  }
  expect(await pass(stopping.signal)).toEqual({ runs: 0, rows: 0 })
  clock.advance(2000)
  stopping.abort()
  expect(await pass(stopping.signal)).toEqual({ runs: 0, rows: 0 })
  const counts = await pass(new AbortController().signal)
  expect(counts).toMatchObject({ runs: 1 })
  expect(counts['rows']).toBeGreaterThan(12_000)
  expect(await store.listTasks('run-1')).toEqual([])
  await store.close()
})
