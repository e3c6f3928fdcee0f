/** Workers that are told to leave, in real processes on PostgreSQL. */
import { afterEach, expect, test } from 'vitest'
import type { FleetProject, Service } from './harness.ts'
import { CHUNK, fleetProject, slowJob, untilStore } from './harness.ts'

const projects: FleetProject[] = []

afterEach(async () => {
  for (const project of projects.splice(0)) await project.end()
})

async function open(ms: number, partitions: number, records: number): Promise<FleetProject> {
  const project = await fleetProject(slowJob(ms), partitions, records)
  projects.push(project)
  return project
}

const allIds = (partitions: number, records: number): readonly string[] =>
  Array.from({ length: partitions * records }, (_, index) => {
    const id = `${Math.floor(index / records)}-${index % records}`
    return JSON.stringify({ id })
  }).sort()

test('a rolling restart of three workers in mid-run fails no attempt, and does no more than one checkpoint interval of each task again', async () => {
  const [partitions, records] = [6, 200]
  const project = await open(25, partitions, records)
  const worker = (name: string): Service => project.start(['worker', '--slots', '1', '--name', name])
  const old = ['a1', 'b1', 'c1'].map(worker)
  const runId = await project.submit()
  await untilStore(project.store, async () => (await project.store.listHeld()).length === 3)
  for (const [index, service] of old.entries()) {
    await worker(['a2', 'b2', 'c2'][index] ?? '').until('worker.registered')
    service.child.kill('SIGTERM')
    expect(await service.ended).toBe(0)
  }
  project.hurry()
  expect(await project.ended(runId)).toMatchObject({ state: 'succeeded' })

  const attempts = await project.store.listAttempts(runId)
  expect(attempts.filter(({ outcome }) => outcome !== 'succeeded' && outcome !== 'returned')).toEqual([])
  expect(attempts.filter(({ outcome }) => outcome === 'returned').length).toBeGreaterThan(0)
  const tasks = await project.store.listTasks(runId, { kind: 'partition' })
  expect(tasks.map(({ attemptsUsed, crashCount }) => [attemptsUsed, crashCount])).toEqual(tasks.map(() => [1, 0]))
  const again = [...project.worked().values()].map((ids) => ids.length - new Set(ids).size)
  expect(Math.max(...again)).toBeLessThanOrEqual(CHUNK)
  expect(project.published()).toEqual(allIds(partitions, records))
})
