import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../kernel/clock.ts'
import { newRun, newWorker, partitions, plan, step } from '../conformance/world.ts'
import type { Store } from '../contract/index.ts'
import { openSqliteStore } from './open.ts'

const CHILD = fileURLToPath(new URL('./processes.child.ts', import.meta.url))
const TASKS = 300

let folder = ''
let path = ''
let store: Store
const children: ChildProcess[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'batchwright-store-'))
  path = join(folder, 'store.db')
  store = await openSqliteStore({ path, clock: systemClock })
  await store.createRun(newRun('run-1', [step('a')]))
  await store.registerWorker(newWorker('planner'))
  const [task] = await store.claim({ workerId: 'planner', claimId: 'plan', limit: 1 })
  if (task === undefined) throw new Error('expected the plan task')
  await store.addPartitions(task, partitions(TASKS))
  await store.finish([{ ...task, end: { kind: 'planned', plan: plan(TASKS) } }])
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A worker in a process of its own. Collects the tasks whose finish was acknowledged to it, until it ends. */
async function work(
  name: string,
  failPoints = '',
): Promise<{ readonly acknowledged: number[]; readonly signal: string | null }> {
  const child = spawn(process.execPath, ['--conditions=batchwright-source', CHILD, path, name], {
    env: { ...process.env, BATCHWRIGHT_FAIL_POINTS: failPoints },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const ended = new Promise<string | null>((resolve) => {
    child.once('close', (_code, signal) => {
      resolve(signal)
    })
  })
  const acknowledged: number[] = []
  for await (const line of createInterface({ input: child.stdout })) acknowledged.push(Number(line))
  return { acknowledged, signal: await ended }
}

const partitionRows = (): ReturnType<Store['listTasks']> =>
  store.listTasks('run-1', { kind: 'partition', limit: TASKS })

describe('processes that share the file', () => {
  it('do each task exactly once between them', async () => {
    const workers = await Promise.all(['w1', 'w2', 'w3'].map((name) => work(name)))
    const done = workers.flatMap(({ acknowledged }) => acknowledged)
    const expected = (await partitionRows()).map(({ taskId }) => taskId)
    expect([...done].sort((one, other) => one - other)).toEqual(expected)
    expect((await store.listSteps('run-1'))[0]).toMatchObject({ tasksDone: TASKS, state: 'verifying' })
  })

  for (const commit of [3, 8, 21]) {
    it(`lose nothing that was acknowledged when one is killed before its commit number ${commit}`, async () => {
      const { acknowledged, signal } = await work('killed', `store.finish-before-commit@${commit}=kill`)
      expect(signal).toBe('SIGKILL')
      await store.close()
      store = await openSqliteStore({ path, clock: systemClock })
      const rows = new Map((await partitionRows()).map((row) => [row.taskId, row]))
      for (const taskId of acknowledged) expect(rows.get(taskId)).toMatchObject({ state: 'succeeded' })
      const succeeded = [...rows.values()].filter(({ state }) => state === 'succeeded')
      expect((await store.listSteps('run-1'))[0]).toMatchObject({
        tasksDone: succeeded.length,
        counters: { read: succeeded.length },
      })
      await store.reap(['killed'], { crashes: 9 })
      await work('heir')
      expect((await store.listSteps('run-1'))[0]).toMatchObject({
        state: 'verifying',
        tasksDone: TASKS,
        counters: { read: TASKS },
      })
    })
  }
})
