import type { ChildProcess } from 'node:child_process'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { isRunning, startOf } from '../../kernel/process-identity.ts'
import type { ArtifactRef, Checkpoint } from '../../protocol/index.ts'
import type { Slot } from '../contract.ts'
import { processExecutor } from '../index.ts'
import { assignment, writeArtifact } from './artifact.ts'
import { executorConformance, Listener, resultOf } from './suite.ts'

executorConformance('process', () => processExecutor())

const MEMORY = 192 * 2 ** 20

const PIDS = z.array(z.number())

function pidsOf(checkpoint: Checkpoint): readonly number[] {
  return PIDS.parse(checkpoint.state === null ? [] : Reflect.get(Object(checkpoint.state), 'progress'))
}

/** Whether a process id is one that works: not gone, and not a zombie that nobody has looked at yet. */
const works = (pid: number): boolean => isRunning(pid) && startOf(pid) !== null

async function gone(pids: readonly number[]): Promise<void> {
  while (pids.some(works)) await turn()
}

describe('a process slot dies alone, and says of what', () => {
  let artifact: ArtifactRef
  let slot: Slot
  const executor = processExecutor({ memoryBytes: MEMORY })

  beforeAll(async () => {
    artifact = await writeArtifact()
  })

  afterEach(async () => {
    await slot.close()
  })

  async function die(step: string, listener = new Listener()): Promise<unknown> {
    slot = await executor.openSlot()
    const end = await slot.run(assignment(artifact, step), listener)
    expect(slot.alive).toBe(false)
    return end
  }

  const died = (how: string, details: object = {}) => ({
    kind: 'failed',
    error: { code: 'SLOT_DIED', retryable: true, details: { how, ...details } },
  })

  test('when the step calls process.exit', async () => {
    expect(await die('exits')).toMatchObject(died('process-exit', { exitCode: 7 }))
  })

  test('when native code crashes it', async () => {
    expect(await die('crashes')).toMatchObject(died('signal', { why: 'SIGSEGV' }))
  })

  test('when an error is thrown where nobody can catch it', async () => {
    expect(await die('throws-aside')).toMatchObject(died('uncaught-error', { why: 'aside' }))
  })

  test('when a promise fails that nobody awaits', async () => {
    expect(await die('rejects-aside')).toMatchObject(died('uncaught-error', { why: 'nobody awaits me' }))
  })

  test('when its heap is full', async () => {
    expect(await die('eats')).toMatchObject(died('out-of-memory', { why: expect.stringContaining('64 MB') as string }))
  })

  test('when buffers outside its heap take more than it was given: what it had, and what it took', async () => {
    const end = await die('hoards')
    expect(end).toMatchObject(died('memory-limit', { limitBytes: MEMORY }))
    expect(end).toMatchObject({
      error: { message: expect.stringMatching(/may take 201 MB and had taken \d+ MB/) as string },
    })
  })

  test('when it is ended in an endless loop', async () => {
    slot = await executor.openSlot()
    const running = slot.run(assignment(artifact, 'spins'), new Listener())
    slot.stop('timeout')
    await slot.terminate('too slow')
    expect(await running).toMatchObject(died('terminated', { why: 'too slow' }))
  })

  test('with all that it has started, in its group and out of it', async () => {
    slot = await executor.openSlot()
    const listener = new Listener()
    const started = Promise.withResolvers<readonly number[]>()
    listener.onCheckpoint = (checkpoint) => {
      started.resolve(pidsOf(checkpoint))
      return Promise.resolve()
    }
    const running = slot.run(assignment(artifact, 'starts'), listener)
    const pids = await started.promise
    expect(pids.map(works)).toEqual([true, true, true, true])
    await slot.terminate('enough')
    expect(await running).toMatchObject(died('terminated'))
    await gone(pids)
  })

  test('with a swarm that is still forking', async () => {
    slot = await executor.openSlot()
    const listener = new Listener()
    const swarming = Promise.withResolvers<number>()
    listener.onCheckpoint = (checkpoint) => {
      swarming.resolve(pidsOf(checkpoint)[0] ?? -1)
      return Promise.resolve()
    }
    const running = slot.run(assignment(artifact, 'forks'), listener)
    const group = await swarming.promise
    await slot.terminate('enough')
    expect(await running).toMatchObject(died('terminated'))
    while (isRunning(-group)) await turn()
  })

  test('when only its own process is killed, what that one started goes too', async () => {
    slot = await executor.openSlot()
    const listener = new Listener()
    let pids: readonly number[] = []
    listener.onCheckpoint = (checkpoint) => {
      pids = pidsOf(checkpoint)
      process.kill(pids[0] ?? -1, 'SIGKILL')
      return Promise.resolve()
    }
    const end = await slot.run(assignment(artifact, 'starts'), listener)
    expect(end).toMatchObject(died('signal', { why: 'SIGKILL' }))
    await gone(pids)
  })

  test('and closed in good order, it takes along what its steps left running', async () => {
    slot = await executor.openSlot()
    const listener = new Listener()
    let pids: readonly number[] = []
    listener.onCheckpoint = (checkpoint) => {
      pids = pidsOf(checkpoint)
      return Promise.resolve()
    }
    expect((await slot.run(assignment(artifact, 'leaves'), listener)).kind).toBe('finished')
    await slot.close()
    await gone(pids)
  })
})

test('what a slot process prints just before its end is in the log, and no secret with it', async () => {
  process.env['CONFORMANCE_SECRET'] = 'never to be said'
  try {
    const artifact = await writeArtifact()
    const slot = await processExecutor().openSlot()
    const listener = new Listener()
    await slot.run(assignment(artifact, 'prints-secret'), listener)
    expect(listener.lines).toMatchObject([{ level: 'info', message: 'dialling [secret CONFORMANCE_SECRET]' }])
    const end = await slot.run(assignment(artifact, 'dies-calling'), listener)
    expect(end).toMatchObject({
      kind: 'failed',
      error: { code: 'SLOT_DIED', cause: { message: 'cut off from [secret CONFORMANCE_SECRET]' } },
    })
    expect(JSON.stringify(end)).not.toContain('never to be said')
    await slot.close()
  } finally {
    delete process.env['CONFORMANCE_SECRET']
  }
})

test('a service that never closes does not keep its process for ever', async () => {
  const artifact = await writeArtifact()
  const slot = await processExecutor({ closeWithinMs: 50 }).openSlot()
  expect(resultOf(await slot.run(assignment(artifact, 'holds-on'), new Listener()))).toBe('done')
  await slot.close()
  expect(slot.alive).toBe(false)
})

describe('the worker of a slot process dies', () => {
  for (const step of ['starts', 'saves-and-spins']) {
    test(`by SIGKILL: its slot goes with it (${step})`, async () => {
      const artifact = await writeArtifact()
      const { worker, pids } = await startWorker(artifact, step)
      worker.kill('SIGKILL')
      await gone(pids)
    })
  }

  test('while its slot is stopped: whoever sweeps next ends what is left', async () => {
    const artifact = await writeArtifact()
    const { worker, pids } = await startWorker(artifact, 'starts')
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    worker.kill('SIGKILL')
    await once(worker, 'exit')
    expect(pids.map(works)).toEqual(pids.map(() => true))
    expect(await processExecutor().sweep?.()).toBeGreaterThanOrEqual(pids.length)
    await gone(pids)
  })

  test('and not: what slots of living workers run is left alone by a sweep', async () => {
    const artifact = await writeArtifact()
    const { worker, pids } = await startWorker(artifact, 'starts')
    await processExecutor().sweep?.()
    expect(pids.map(works)).toEqual(pids.map(() => true))
    worker.kill('SIGKILL')
    await gone(pids)
  })
})

/** A process that runs a step in a slot process of its own, and says which processes that has come to. */
async function startWorker(
  artifact: ArtifactRef,
  step: string,
): Promise<{ readonly worker: ChildProcess; readonly pids: readonly number[] }> {
  const worker = fork(fileURLToPath(new URL('./worker.child.ts', import.meta.url)), [JSON.stringify(artifact), step], {
    execArgv: ['--conditions=batchwright-source'],
    serialization: 'json',
  })
  const [pids] = (await once(worker, 'message')) as [unknown]
  return { worker, pids: PIDS.parse(pids) }
}
