import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { PartitionSplit } from '../../protocol/index.ts'
import type { CheckpointOutcome, ClaimedTask } from '../contract/index.ts'
import type { OpenWorld } from './index.ts'
import { checkpoint, output, partitions, plan, snapshot, step, type World } from './world.ts'

const RATE = { ...step('rate'), rebalance: true }

/** A run whose first partition is leased; `count` partitions in all. */
async function running(open: OpenWorld, count = 2): Promise<{ readonly world: World; readonly task: ClaimedTask }> {
  const world = await open()
  await world.start([RATE])
  const planning = await world.claimOne()
  await world.store.addPartitions(planning, partitions(count))
  await world.end(planning, { kind: 'planned', plan: plan(count, snapshot()) })
  const task = await world.claimOne()
  await world.store.start([task])
  return { world, task }
}

/** Cuts a partition into pieces that are named by `names`, its own first. */
function cut(...names: readonly string[]): PartitionSplit {
  const [own, ...rest] = names.map((name) => ({ payload: { name }, label: name, records: 1, bytes: null }))
  if (own === undefined) throw new Error('a split has pieces')
  return { own, rest }
}

async function commit(
  world: World,
  task: ClaimedTask,
  sequence: number,
  split: PartitionSplit,
): Promise<CheckpointOutcome> {
  const [outcome] = await world.store.checkpoint([{ ...task, checkpoint: checkpoint(sequence), split }])
  if (outcome === undefined) throw new Error('expected an outcome for each item, found none')
  return outcome
}

function nameOf(task: ClaimedTask): unknown {
  const payload = task.partition?.payload ?? null
  return payload !== null && typeof payload === 'object' && 'name' in payload ? payload['name'] : task.partition?.label
}

export function splitRules(open: OpenWorld): void {
  it('shortens the partition and adds the rest as ready tasks, together with the checkpoint', async () => {
    const { world, task } = await running(open)
    expect(await commit(world, task, 1, cut('own', 'rest 1', 'rest 2'))).toBe('done')
    const [rate] = await world.store.listSteps('run-1')
    expect(rate).toMatchObject({ tasks: 4, tasksDone: 0 })
    const rows = await world.store.listTasks('run-1', { kind: 'partition' })
    expect(rows.map(({ index, label, state, origin }) => ({ index, label, state, origin }))).toEqual([
      { index: 0, label: 'own', state: 'leased' },
      { index: 1, label: 'slice 1', state: 'ready' },
      { index: 2, label: 'rest 1', state: 'ready', origin: 0 },
      { index: 3, label: 'rest 2', state: 'ready', origin: 0 },
    ])
    expect(rows[0]?.checkpoint?.sequence).toBe(1)
    expect(rows[0]?.partition).toMatchObject({ index: 0, payload: { name: 'own' } })
    expect((await world.claim()).map(nameOf)).toEqual(['slice 1', 'rest 1', 'rest 2'])
  })

  it('ends the step only when every piece has succeeded, and counts each once', async () => {
    const { world, task } = await running(open, 1)
    await commit(world, task, 1, cut('own', 'rest'))
    await world.succeed(task)
    expect(await world.stepState('rate')).toBe('running')
    await world.succeed(await world.claimOne())
    expect(await world.stepState('rate')).toBe('verifying')
    const [rate] = await world.store.listSteps('run-1')
    expect(rate).toMatchObject({ tasks: 2, tasksDone: 2, counters: { read: 2 } })
  })

  it('joins the pieces of a partition in the order of the input, however often they were cut, under the index that was planned', async () => {
    const { world, task } = await running(open)
    await commit(world, task, 1, cut('a', 'd'))
    await commit(world, task, 2, cut('a', 'b', 'c'))
    const others = await world.claim()
    const piece = (name: string): ClaimedTask => {
      const found = others.find((each) => nameOf(each) === name)
      if (found === undefined) throw new Error(`no piece ${name}`)
      return found
    }
    await commit(world, piece('b'), 1, cut('b', 'b2'))
    await commit(world, piece('d'), 1, cut('d', 'd3'))
    await commit(world, piece('d'), 2, cut('d', 'd2'))
    for (const each of [...others.toReversed(), ...(await world.claim()), task]) {
      const deadLetters = [
        { path: String(nameOf(each)), format: 'jsonl', bytes: 1, records: 1, sha256: 'x', codeVersion: 'c' } as const,
      ]
      const end = { kind: 'succeeded', output: { ...output(), outputs: { main: deadLetters }, deadLetters } } as const
      expect(await world.end(each, end)).toBe('done')
    }
    const { tasks } = await world.store.stepOutput('run-1', 'rate')
    const paths = (parts: readonly { readonly path: string }[] | undefined) => parts?.map(({ path }) => path)
    expect(tasks.map(({ index, output: { outputs } }) => ({ index, main: paths(outputs['main']) }))).toEqual([
      { index: 0, main: ['slice 0', 'b', 'b2', 'c', 'd', 'd2', 'd3'] },
      { index: 1, main: ['slice 1'] },
    ])
    expect(paths(tasks[0]?.output.deadLetters)).toEqual(['slice 0', 'b', 'b2', 'c', 'd', 'd2', 'd3'])
    expect(tasks[0]?.output).toMatchObject({ counters: { read: 7 }, controls: { amount: '0.7' } })
  })

  it('does nothing for a lease that does not hold: the rest stays with its owner', async () => {
    const { world, task } = await running(open)
    await world.crash()
    expect(await commit(world, task, 1, cut('own', 'rest'))).toBe('fenced')
    const [rate] = await world.store.listSteps('run-1')
    expect(rate).toMatchObject({ tasks: 2 })
    expect(await world.store.listTasks('run-1', { kind: 'partition' })).toHaveLength(2)
  })

  it('is taken once where the same message comes twice, and both are told so', async () => {
    const { world, task } = await running(open)
    expect(await commit(world, task, 1, cut('own', 'rest'))).toBe('done')
    expect(await commit(world, task, 1, cut('own', 'rest'))).toBe('done')
    expect(await world.store.listTasks('run-1', { kind: 'partition' })).toHaveLength(3)
  })

  it('lets the next attempt at a piece that was cut go on from the checkpoint, with what is left', async () => {
    const { world, task } = await running(open, 1)
    await commit(world, task, 5, cut('own', 'rest'))
    await world.crash()
    await world.worker('worker-2')
    const again = await world.claim(100, 'worker-2')
    expect(again.map((each) => [nameOf(each), each.checkpoint?.sequence ?? null])).toEqual([['own', 5]])
    await world.end(again[0]!, { kind: 'succeeded', output: output() })
    expect((await world.claim(100, 'worker-2')).map(nameOf)).toEqual(['rest'])
  })

  it('asks an attempt once, and tells whoever holds the lease until it is answered', async () => {
    const { world, task } = await running(open)
    const lease = { taskId: task.taskId, fence: task.fence }
    expect(await world.store.lookAt([task])).toEqual({ lost: [], splits: [] })
    expect(await world.store.askSplit(task, 3)).toBe('asked')
    expect(await world.store.askSplit(task, 2)).toBe('refused')
    expect((await world.store.lookAt([lease])).splits).toEqual([{ ...lease, pieces: 3 }])
    await commit(world, task, 1, cut('own', 'rest'))
    expect((await world.store.lookAt([lease])).splits).toEqual([])
    expect(await world.store.askSplit(task, 2)).toBe('asked')
  })

  it('does not ask again what has been declined under the same lease', async () => {
    const { world, task } = await running(open)
    await world.store.askSplit(task, 2)
    expect(await world.store.declineSplit(task, 'it is compressed')).toBe('done')
    expect((await world.store.lookAt([task])).splits).toEqual([])
    expect(await world.store.askSplit(task, 2)).toBe('refused')
    const told = (await world.store.listEvents({ after: 0, runId: 'run-1' })).find(
      ({ type }) => type === 'split.declined',
    )
    expect(told?.data).toMatchObject({ partition: 0, reason: 'it is compressed' })
  })

  it('forgets an ask with the lease it was made to', async () => {
    const { world, task } = await running(open, 1)
    await world.store.askSplit(task, 2)
    await world.store.giveBack([{ ...task, why: 'preempted' }])
    expect(await world.store.askSplit(task, 2)).toBe('refused')
    const again = await world.claimOne()
    expect(await world.store.lookAt([again, task])).toMatchObject({ lost: [{ fence: task.fence }], splits: [] })
    expect(await world.store.declineSplit(task, 'late')).toBe('fenced')
  })

  it('lists attempts at partitions that have run for long enough, with what is left of them', async () => {
    const { world, task } = await running(open, 3)
    world.clock.advance(2_000)
    await world.store.checkpoint([{ ...task, checkpoint: checkpoint(1, 40) }])
    expect(await world.store.listRunning({ minMs: 2_001 })).toEqual([])
    const [first] = await world.store.listRunning({ minMs: 1_000 })
    expect(first).toMatchObject({
      ...{ taskId: task.taskId, fence: task.fence, runId: 'run-1', step: 'rate', index: 0, workerId: 'worker-1' },
      ...{ isCopy: false, hasCopy: false, runningMs: 2_000, checkpointedMs: 2_000, records: 1, read: 40, fromRead: 0 },
      ...{ split: 'none', rebalance: true, speculation: null, tasks: 3, done: 0, stepHasReady: true },
    })
    await world.store.pauseRun('run-1', true, 'test')
    expect(await world.store.listRunning({ minMs: 0 })).toEqual([])
  })

  it('orders the pieces of any cuts of cuts as the input has them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 3 })), { minLength: 1, maxLength: 8 }),
        async (cuts) => {
          const { world, task } = await running(open, 1)
          // Pieces in the order of the input, each with the lease it is worked on under.
          const pieces: { name: string; task: ClaimedTask; sequence: number }[] = [{ name: '0', task, sequence: 0 }]
          let made = 0
          for (const [at, rest] of cuts) {
            const place = at % pieces.length
            const piece = pieces[place]!
            const names = Array.from({ length: rest }, () => String((made += 1)))
            piece.sequence += 1
            await commit(world, piece.task, piece.sequence, cut(piece.name, ...names))
            const claimed = await world.claim()
            const tasks = names.map((name) => claimed.find((each) => nameOf(each) === name)!)
            pieces.splice(place + 1, 0, ...tasks.map((each, i) => ({ name: names[i]!, task: each, sequence: 0 })))
          }
          for (const { name, task: each } of pieces.toReversed()) {
            const main = [{ path: name, format: 'jsonl', bytes: 1, records: 1, sha256: 'x', codeVersion: 'c' } as const]
            await world.end(each, { kind: 'succeeded', output: { ...output(), outputs: { main } } })
          }
          const { tasks } = await world.store.stepOutput('run-1', 'rate')
          expect(tasks[0]?.output.outputs['main']?.map(({ path }) => path)).toEqual(pieces.map(({ name }) => name))
        },
      ),
      { numRuns: 8 },
    )
  })
}
