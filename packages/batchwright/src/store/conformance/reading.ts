import { expect, it } from 'vitest'
import type { Part, SinkState } from '../../protocol/index.ts'
import { NO_OUTPUT } from '../../protocol/index.ts'
import type { OpenWorld } from './index.ts'
import { checkpoint, newRun, output, step } from './world.ts'

function part(path: string): Part {
  return { path, format: 'jsonl', bytes: 1, records: 1, sha256: 'x', codeVersion: 'code-1' }
}

export function readRules(open: OpenWorld): void {
  it('runs are listed newest first, filtered, with the number there are in all', async () => {
    const world = await open()
    for (const number of [1, 2, 3]) {
      await world.store.createRun(newRun(`run-${number}`, [step('a')], { job: number === 2 ? 'other' : 'billing' }))
    }
    await world.store.cancelRun('run-1', { by: 'test', why: 'a test' })
    const ids = async (filter: Parameters<typeof world.store.listRuns>[0]): Promise<unknown> => {
      const page = await world.store.listRuns(filter)
      return [page.total, ...page.items.map(({ runId }) => runId)]
    }
    expect(await ids({})).toEqual([3, 'run-3', 'run-2', 'run-1'])
    expect(await ids({ limit: 1 })).toEqual([3, 'run-3'])
    expect(await ids({ job: 'billing' })).toEqual([2, 'run-3', 'run-1'])
    expect(await ids({ states: ['queued'] })).toEqual([2, 'run-3', 'run-2'])
    expect(await ids({ states: ['queued', 'cancelled'], job: 'billing' })).toEqual([2, 'run-3', 'run-1'])
    expect(await ids({ identity: 'identity of run-2' })).toEqual([1, 'run-2'])
    expect(await ids({ windowKey: '2011-01' })).toEqual([0])
  })

  it('runs are found by the beginning of their id, taken literally', async () => {
    const world = await open()
    for (const runId of ['ab1', 'ab2', 'ac1', '%b1']) await world.store.createRun(newRun(runId, [step('a')]))
    const ids = async (prefix: string): Promise<unknown> =>
      (await world.store.findRuns(prefix, 10)).map(({ runId }) => runId)
    expect(await ids('ab')).toEqual(['ab1', 'ab2'])
    expect(await ids('ab1')).toEqual(['ab1'])
    expect(await ids('%')).toEqual(['%b1'])
    expect(await ids('zz')).toEqual([])
    expect(await world.store.findRuns('a', 2)).toHaveLength(2)
  })

  it('tasks are listed in pages, each once, and by step, kind and state', async () => {
    const world = await open()
    await world.start([step('a'), step('b')])
    for (const task of await world.claim()) await world.succeed(task, 5)
    await world.claim(3)
    const all = await world.store.listTasks('run-1')
    expect(all).toHaveLength(12)
    const paged = []
    for (let last = all[-1]; ; last = paged.at(-1)) {
      const page = await world.store.listTasks('run-1', {
        limit: 5,
        ...(last === undefined ? {} : { afterTaskId: last.taskId }),
      })
      if (page.length === 0) break
      paged.push(...page)
    }
    expect(paged).toEqual(all)
    expect(await world.store.listTasks('run-1', { step: 'b', kind: 'partition' })).toHaveLength(5)
    expect(await world.store.listTasks('run-1', { states: ['leased'] })).toHaveLength(3)
    expect(await world.store.listTasks('run-1', { states: ['leased', 'succeeded'] })).toHaveLength(5)
    expect(await world.store.listTasks('run-1', { states: [] })).toEqual([])
    expect(await world.store.listTasks('another')).toEqual([])
  })

  it("a step's output is what its partitions left, in order of index", async () => {
    const world = await open()
    await world.start([step('a')])
    await world.succeed(await world.claimOne(), 3)
    for (const task of [...(await world.claim())].reverse()) {
      await world.end(task, { kind: 'succeeded', output: output(task.partition?.index) })
    }
    const { tasks } = await world.store.stepOutput('run-1', 'a')
    expect(tasks.map((task) => [task.index, task.output.counters.read])).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
    ])
    expect(await world.store.stepOutput('run-1', 'none')).toEqual({ step: 'none', tasks: [] })
  })

  it('a task that left nothing reads as if nothing were written of it', async () => {
    const world = await open()
    await world.start([step('a')])
    await world.succeed(await world.claimOne(), 2)
    const [quiet, other] = [await world.claimOne(), await world.claimOne()]
    await world.end(quiet, { kind: 'succeeded', output: NO_OUTPUT })
    await world.end(other, { kind: 'succeeded', output: { ...NO_OUTPUT, result: 'told' } })
    const { tasks } = await world.store.stepOutput('run-1', 'a')
    expect(tasks).toEqual([
      { index: 0, output: NO_OUTPUT },
      { index: 1, output: { ...NO_OUTPUT, result: 'told' } },
    ])
    const rows = await world.store.listTasks('run-1', { kind: 'partition' })
    expect(rows.map((row) => row.output?.result)).toEqual([null, 'told'])
  })

  it('the parts that a run refers to are those of its last checkpoints and of its outputs', async () => {
    const world = await open()
    await world.start([step('a')])
    await world.succeed(await world.claimOne(), 2)
    const [first, second] = await world.claim()
    if (first === undefined || second === undefined) throw new Error('expected two tasks')
    const sink: SinkState = {
      sealed: [part('/sealed')],
      open: { path: '/open', durableBytes: 1, records: 1, sha256: 'x' },
    }
    const dead: SinkState = { sealed: [part('/dead-1')], open: null }
    await world.store.checkpoint([
      { ...first, checkpoint: { ...checkpoint(1), outputs: { main: { sealed: [part('/adopted')], open: null } } } },
      { ...second, checkpoint: { ...checkpoint(1), outputs: { main: sink }, deadLetters: dead } },
    ])
    await world.end(first, {
      kind: 'succeeded',
      output: {
        ...output(),
        outputs: { main: [part('/main')], inside: [part('/inside')] },
        deadLetters: [part('/dead-2')],
      },
    })
    expect([...(await world.store.referencedParts('run-1'))].sort()).toEqual([
      '/dead-1',
      '/dead-2',
      '/inside',
      '/main',
      '/open',
      '/sealed',
    ])
    expect(await world.store.referencedParts('another')).toEqual([])
  })

  it("the store's clock is the one it was given", async () => {
    const world = await open()
    const before = await world.store.now()
    world.clock.advance(1234)
    expect((await world.store.now()) - before).toBe(1234)
  })
}
