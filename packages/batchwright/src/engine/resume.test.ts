import { afterEach, beforeEach, expect, test } from 'vitest'
import { job } from '../index.ts'
import type { JobDefinition } from '../job/index.ts'
import { failedWith } from './fixtures/scripted-executor.ts'
import { finished, stepsOf, World } from './fixtures/world.ts'
import { resumeRun } from './resume.ts'

let world: World

beforeEach(async () => {
  world = await World.open()
})

afterEach(async () => {
  await world.close()
})

const NEW_CODE = { codeVersion: 'code-2', path: '/artifacts/code-2.mjs' }

const jobOf = (...names: readonly string[]): JobDefinition =>
  job('job', {}, (steps) => {
    names.reduce<unknown>((before, name) => {
      const step = steps.function(name, () => null)
      return before === null ? step : step.after(before as never)
    }, null)
  })

/** A run whose second partition failed for good; the functions' plans have the fingerprint `f`. */
async function failedRun(): Promise<string> {
  const run = await world.createRun([{ name: 'only', kind: 'function', after: [], publish: 'none' }])
  const worker = world.work(
    stepsOf(2, (task) => Promise.resolve(task.partition.index === 1 ? failedWith('BROKEN') : finished(1))),
  )
  expect(await world.ended(run.runId)).toMatchObject({ state: 'failed' })
  worker.drain()
  await world.clock.advance(100)
  return run.runId
}

const resume = (runId: string, definition: JobDefinition, fingerprint: string) =>
  world.clock.runUntil(
    resumeRun(world.store, runId, {
      by: 'test',
      code: { artifact: NEW_CODE, job: definition, fingerprintOf: () => fingerprint },
    }),
  )

test('a failed run goes on: finished partitions are not worked again', async () => {
  const runId = await failedRun()
  await world.clock.runUntil(resumeRun(world.store, runId, { by: 'test' }))
  const worked: number[] = []
  world.work(
    stepsOf(2, (task) => {
      worked.push(task.partition.index)
      return Promise.resolve(finished(1))
    }),
  )
  expect(await world.ended(runId)).toMatchObject({ state: 'succeeded' })
  expect(worked).toEqual([1])
})

test('under new code it goes on where the plans are the same, and its tasks run the new code', async () => {
  const runId = await failedRun()
  expect(await resume(runId, jobOf('only'), 'f')).toMatchObject({ codeVersion: 'code-2' })
  const versions: string[] = []
  world.work(
    stepsOf(2, (task) => {
      versions.push(task.artifact.codeVersion)
      return Promise.resolve(finished(1))
    }),
  )
  expect(await world.ended(runId)).toMatchObject({ state: 'succeeded' })
  expect(versions).toEqual(['code-2'])
})

test('under new code whose plan differs it stops, and names the step', async () => {
  const runId = await failedRun()
  await expect(resume(runId, jobOf('only'), 'g')).rejects.toMatchObject({
    code: 'PLAN_CHANGED',
    details: { steps: ['only'] },
  })
  expect(await world.store.getRun(runId)).toMatchObject({ state: 'failed', codeVersion: 'code-1' })
})

test('under new code with another graph it stops, and names the steps', async () => {
  const runId = await failedRun()
  await expect(resume(runId, jobOf('other'), 'f')).rejects.toMatchObject({
    code: 'PLAN_CHANGED',
    details: { steps: ['only', 'other'] },
  })
})
