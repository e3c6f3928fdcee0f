import { expect, it } from 'vitest'
import type { OpenWorld } from './index.ts'
import { newRun, step } from './world.ts'

export function runRules(open: OpenWorld): void {
  it('a run of the same job and identity is found, not made again', async () => {
    const { store } = await open()
    const first = await store.createRun(newRun('run-1', [step('a')], { identity: 'same' }))
    const second = await store.createRun(newRun('run-2', [step('a')], { identity: 'same' }))
    expect(first.created).toBe(true)
    expect(second).toEqual({ run: first.run, created: false })
    expect(await store.getRun('run-2')).toBeNull()
  })

  it('the same identity under another job is another run', async () => {
    const { store } = await open()
    await store.createRun(newRun('run-1', [step('a')], { identity: 'same' }))
    const other = await store.createRun(newRun('run-2', [step('a')], { identity: 'same', job: 'other' }))
    expect(other.created).toBe(true)
  })

  it('a next revision is a new run of the same identity, and the newest is the one found from then on', async () => {
    const { store } = await open()
    await store.createRun(newRun('run-1', [step('a')], { identity: 'same' }))
    const next = await store.createRun(newRun('run-2', [step('a')], { identity: 'same', revision: 'next' }))
    expect([next.created, next.run.revision]).toEqual([true, 2])
    const found = await store.createRun(newRun('run-3', [step('a')], { identity: 'same' }))
    expect([found.created, found.run.runId]).toEqual([false, 'run-2'])
  })

  it('creating a run again after an unknown outcome changes nothing, a next revision included', async () => {
    const { store } = await open()
    await store.createRun(newRun('run-1', [step('a')], { identity: 'same' }))
    const asked = newRun('run-2', [step('a')], { identity: 'same', revision: 'next' })
    await store.createRun(asked)
    const events = await store.listEvents({ after: 0 })
    expect((await store.createRun(asked)).created).toBe(false)
    expect(await store.listEvents({ after: 0 })).toEqual(events)
    expect((await store.listRuns({})).total).toBe(2)
  })

  it('creating one identity from many callers at once makes one run', async () => {
    const { store, again } = await open()
    const other = await again()
    const asked = Array.from({ length: 20 }, (_, number) =>
      (number % 2 === 0 ? store : other).createRun(newRun(`run-${number}`, [step('a')], { identity: 'same' })),
    )
    const answers = await Promise.all(asked)
    expect(answers.filter(({ created }) => created)).toHaveLength(1)
    expect(new Set(answers.map(({ run }) => run.runId)).size).toBe(1)
  })

  it('a new run is queued, its root steps plan, and the others wait', async () => {
    const { store, clock } = await open()
    const { run } = await store.createRun(newRun('run-1', [step('a'), step('b', ['a']), step('c')]))
    expect([run.state, run.createdAt, run.startedAt, run.paused]).toEqual(['queued', clock.now(), null, false])
    expect((await store.listSteps('run-1')).map(({ state }) => state)).toEqual(['planning', 'waiting', 'planning'])
    const tasks = await store.listTasks('run-1')
    expect(tasks.map(({ step: name, kind, state }) => [name, kind, state])).toEqual([
      ['a', 'plan', 'ready'],
      ['c', 'plan', 'ready'],
    ])
  })

  it('a run keeps what it was made with', async () => {
    const { store } = await open()
    const window = {
      kind: 'month' as const,
      key: '2011-01',
      start: '2011-01-01T00:00:00Z',
      end: '2011-02-01T00:00:00Z',
      timezone: 'Europe/London',
    }
    const asked = newRun('run-1', [step('a')], {
      window,
      parameters: { deep: { list: [1, 'two', null] } },
    })
    await store.createRun(asked)
    const { steps, revision, ...kept } = asked
    expect(await store.getRun('run-1')).toMatchObject(kept)
    expect(revision).toBe('same')
    expect((await store.listSteps('run-1')).map(({ name }) => name)).toEqual(steps.map(({ name }) => name))
  })

  it('a run that could never end is refused', async () => {
    const { store } = await open()
    await expect(store.createRun(newRun('run-1', []))).rejects.toMatchObject({ code: 'RUN_STEPS_INVALID' })
    await expect(store.createRun(newRun('run-1', [step('a', ['b']), step('b')]))).rejects.toMatchObject({
      code: 'RUN_STEPS_INVALID',
    })
    await expect(store.createRun(newRun('run-1', [step('a'), step('a')]))).rejects.toMatchObject({
      code: 'RUN_STEPS_INVALID',
    })
    expect(await store.getRun('run-1')).toBeNull()
  })

  it('a call that is refused takes nothing with it that was asked at the same moment', async () => {
    const { store } = await open()
    const [good, bad, alsoGood] = await Promise.allSettled([
      store.createRun(newRun('run-1', [step('a')])),
      store.createRun(newRun('run-2', [])),
      store.createRun(newRun('run-3', [step('a')])),
    ])
    expect([good.status, bad.status, alsoGood.status]).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect((await store.listRuns({})).items.map(({ runId }) => runId).toSorted()).toEqual(['run-1', 'run-3'])
  })
}
