/** The command line against a fleet on PostgreSQL, as its users meet it. */
import { existsSync, globSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FleetProject, Service } from './harness.ts'
import { fleetProject, slowJob, untilStore } from './harness.ts'

let project: FleetProject

beforeAll(async () => {
  project = await fleetProject(slowJob(50), 6, 600)
})

afterAll(async () => {
  await project.end()
})

const until = <Found>(look: () => Promise<Found | null | undefined | false>): Promise<Found> =>
  untilStore(project.store, look)

async function alive(): Promise<number> {
  return (await project.store.listWorkers({ states: ['alive'] })).length
}

async function jsonOf(service: Service): Promise<unknown> {
  await service.ended
  return JSON.parse(service.text())
}

describe('a fleet', () => {
  let runId: string

  test('run submits and looks on; Ctrl-C leaves the run to the workers, and says so', async () => {
    const follow = project.start(['run', 'slow'])
    const [run] = await until(async () => {
      const { items } = await project.store.listRuns({})
      return items.length > 0 && items
    })
    runId = run?.runId ?? ''
    // A handler of signals is there as soon as it looks on: it asks for workers, and there is none.
    await follow.listening()
    follow.child.kill('SIGINT')
    expect(await follow.ended).toBe(130)
    expect(JSON.parse(follow.text())).toMatchObject({ outcome: 'detached', runId, state: 'queued' })
    expect(await project.store.getRun(runId)).toMatchObject({ state: 'queued' })
  })

  test('how many workers are wanted is a number for scalers, and the list says that nobody is there', async () => {
    expect(await jsonOf(project.start(['workers', '--wanted', '--slots', '2', '--max', '5']))).toMatchObject({
      wanted: 1,
      present: 0,
      remaining: 1,
    })
    expect(await jsonOf(project.start(['workers']))).toEqual({ total: 0, items: [] })
  })

  test('a worker without the job file and without its bundle fetches the code by its hash', async () => {
    const bundles = globSync('.batchwright/artifacts/*', { cwd: project.folder })
    for (const file of bundles) rmSync(path.join(project.folder, file))
    const [text] = [readFileSync(path.join(project.folder, 'jobs/slow.ts'), 'utf8')]
    rmSync(path.join(project.folder, 'jobs/slow.ts'))
    const worker = project.start(['worker', '--slots', '1', '--name', 'first'])
    await until(async () => (await project.store.listHeld()).some(({ kind }) => kind === 'partition'))
    const run = await project.store.getRun(runId)
    expect(existsSync(path.join(project.folder, `.batchwright/artifacts/${run?.codeVersion ?? ''}.mjs`))).toBe(true)
    expect(await jsonOf(project.start(['workers']))).toMatchObject({
      total: 1,
      items: [{ name: 'first', slots: 1, state: 'alive', held: [{ runId, step: 'wait', kind: 'partition' }] }],
    })
    worker.child.kill('SIGTERM')
    expect(await worker.ended).toBe(0)
    project.write('jobs/slow.ts', text)
  })

  test('a worker that looks at another state folder is refused before it claims anything', async () => {
    mkdirSync(path.join(project.folder, 'elsewhere'))
    const worker = project.start(['worker'], { BATCHWRIGHT_STATE: 'elsewhere' })
    expect(await worker.ended).toBe(1)
    expect(JSON.parse(worker.text())).toMatchObject({
      error: {
        code: 'STORAGE_NOT_SHARED',
        message: expect.stringContaining('found no marker of it there') as string,
        hint: expect.stringContaining('Mount the same storage') as string,
      },
    })
    expect(await alive()).toBe(0)
    const doctor = project.start(['doctor'], { BATCHWRIGHT_STATE: 'elsewhere' })
    expect(await jsonOf(doctor)).toMatchObject({
      items: expect.arrayContaining([
        expect.objectContaining({ area: 'storage', level: 'fail', code: 'STORAGE_NOT_SHARED' }),
      ]) as unknown,
    })
  })

  test('workers come with the work and go with it, and all leave with their supervisor', async () => {
    const supervisor = project.start(['worker', '--min', '1', '--max', '3', '--slots', '1', '--cool-down', '1s'])
    await until(async () => (await alive()) === 3)
    project.hurry()
    expect(await project.ended(runId)).toMatchObject({ state: 'succeeded' })
    await until(async () => (await alive()) === 1)
    supervisor.child.kill('SIGTERM')
    expect(await supervisor.ended).toBe(0)
    expect(await alive()).toBe(0)
    const sizes = supervisor.said.filter(({ event }) => event === 'scaled').map(({ workers }) => Number(workers))
    const top = sizes.indexOf(Math.max(...sizes))
    expect(sizes.slice(0, top + 1)).toEqual(sizes.slice(0, top + 1).toSorted((one, other) => one - other))
    expect(sizes.slice(top)).toEqual(sizes.slice(top).toSorted((one, other) => other - one))
    const attempts = await project.store.listAttempts(runId)
    expect(attempts.filter(({ outcome }) => outcome !== 'succeeded' && outcome !== 'returned')).toEqual([])
  })
})
