/** Workers that die, stop and wake again, with clocks that are wrong, in real processes on PostgreSQL. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AttemptRow } from '../../packages/batchwright/src/store/index.ts'
import type { FleetProject, Service } from './harness.ts'
import { CHUNK, fleetProject, slowJob, untilStore } from './harness.ts'

/** Partitions and records of each. */
const [PARTITIONS, RECORDS] = [6, 60]
/** Of a record: the run must not end before the test has done its worst, on a slow machine too; then it hurries. */
const MS = 100
/** Short, so that a dead worker is missed soon. */
const LEASE_MS = 2_000
/** So long that a test would run out of time if anything waited for a lease to end. */
const LONG_LEASE_MS = 600_000
const HOUR_MS = 3_600_000

/** Waits until a worker holds partitions that have made a checkpoint; answers with their tasks. */
async function atWork(project: FleetProject, runId: string, workerId: string): Promise<readonly number[]> {
  return untilStore(project.store, async () => {
    const tasks = await project.store.listTasks(runId, { kind: 'partition', states: ['leased'] })
    const own = tasks.filter((task) => task.workerId === workerId && task.checkpoint !== null)
    return own.length === 0 ? null : own.map(({ taskId }) => taskId)
  })
}

async function registered(service: Service): Promise<string> {
  return String((await service.until('worker.registered'))['workerId'])
}

/** Each record is published once, no attempt failed, and few records were worked on twice. */
function expectWhole(project: FleetProject, attempts: readonly AttemptRow[]): void {
  const ids = Array.from({ length: PARTITIONS * RECORDS }, (_, index) => {
    return JSON.stringify({ id: `${Math.floor(index / RECORDS)}-${index % RECORDS}` })
  })
  expect(project.published()).toEqual(ids.sort())
  expect(attempts.filter(({ outcome }) => outcome === 'failed' || outcome === 'retried')).toEqual([])
  const again = [...project.worked().values()].map((worked) => worked.length - new Set(worked).size)
  // The chunk under way, and the one before it whose checkpoint had not been acknowledged.
  expect(Math.max(...again)).toBeLessThanOrEqual(2 * CHUNK)
}

describe('of three workers on three hosts, with clocks an hour wrong, one is killed and one is stopped for longer than its lease', () => {
  let project: FleetProject
  let stopped: Service
  let runId: string
  let attempts: readonly AttemptRow[]
  const held: Record<'killed' | 'stopped', readonly number[]> = { killed: [], stopped: [] }
  const ids: string[] = []

  beforeAll(async () => {
    project = await fleetProject(slowJob(MS), PARTITIONS, RECORDS)
    const killed = project.startBare({ host: 'left', leaseMs: LEASE_MS, offsetMs: HOUR_MS })
    stopped = project.startBare({ host: 'middle', leaseMs: LEASE_MS, offsetMs: -HOUR_MS })
    const right = project.startBare({ host: 'right', leaseMs: LEASE_MS })
    ids.push(...(await Promise.all([killed, stopped, right].map(registered))))
    runId = await project.submit()
    held.killed = await atWork(project, runId, ids[0] ?? '')
    held.stopped = await atWork(project, runId, ids[1] ?? '')
    killed.child.kill('SIGKILL')
    stopped.child.kill('SIGSTOP')
    await untilStore(project.store, async () => {
      const dead = (await project.store.listWorkers({ states: ['dead'] })).map(({ workerId }) => workerId)
      return ids.slice(0, 2).every((workerId) => dead.includes(workerId))
    })
    stopped.child.kill('SIGCONT')
    await stopped.until('worker.reborn')
    project.hurry()
    await project.ended(runId)
    attempts = await project.store.listAttempts(runId)
  })

  afterAll(async () => {
    await project.end()
  })

  test('the run goes on from their checkpoints and succeeds; nothing is published twice', async () => {
    expect(await project.store.getRun(runId)).toMatchObject({ state: 'succeeded' })
    expectWhole(project, attempts)
  })

  test('what runs again is what the two were executing, and nothing else', () => {
    const crashed = attempts.filter(({ outcome }) => outcome === 'crashed').map(({ taskId }) => taskId)
    expect(crashed.sort()).toEqual([...held.killed, ...held.stopped].sort())
    for (const attempt of attempts) expect(attempt.fence % 2).toBe(1)
  })

  test('the one that was stopped finds itself dead, writes nothing of what it held, and works again under a new id', () => {
    const ended = stopped.said.filter(
      ({ event, taskId }) => event === 'attempt.ended' && held.stopped.includes(Number(taskId)),
    )
    expect(ended[0]).toMatchObject({ decision: 'abandon' })
    const names = stopped.said.filter(({ event }) => event === 'worker.registered').map(({ workerId }) => workerId)
    expect(new Set(names).size).toBe(names.length)
    expect(names.length).toBeGreaterThan(1)
  })

  test('no clock but the store has a say: the third worker was never taken for dead', async () => {
    const dead = (await project.store.listWorkers({ states: ['dead'] })).map(({ workerId }) => workerId)
    expect(dead).not.toContain(ids[2])
    const now = await project.store.now()
    for (const { leasedAt } of attempts) expect(Math.abs(now - leasedAt)).toBeLessThan(HOUR_MS / 2)
  })
})

test('on the same host a killed worker is missed at once, however long its lease; connections that are cut cost no attempt', async () => {
  const project = await fleetProject(slowJob(MS), PARTITIONS, RECORDS)
  try {
    const [left, right] = [project.startBare({ leaseMs: LONG_LEASE_MS }), project.startBare({ leaseMs: LONG_LEASE_MS })]
    const [workerId] = [await registered(left), await registered(right)]
    const runId = await project.submit()
    for (let cut = 0; cut < 2; cut += 1) {
      await atWork(project, runId, workerId)
      expect(await project.cutConnections()).toBeGreaterThan(0)
    }
    const held = await atWork(project, runId, workerId)
    left.child.kill('SIGKILL')
    project.hurry()
    expect(await project.ended(runId)).toMatchObject({ state: 'succeeded' })
    const attempts = await project.store.listAttempts(runId)
    expect(attempts.filter(({ outcome }) => outcome === 'crashed').map(({ taskId }) => taskId)).toEqual(held)
    expectWhole(project, attempts)
  } finally {
    await project.end()
  }
})
