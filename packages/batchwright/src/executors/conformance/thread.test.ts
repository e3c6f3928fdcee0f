import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ArtifactRef } from '../../protocol/index.ts'
import type { Slot } from '../contract.ts'
import { BatchBoard, threadExecutor } from '../index.ts'
import { assignment, writeArtifact } from './artifact.ts'
import { atWork, batchConformance, BatchListener, batchOf, runBatch } from './batch.ts'
import { executorConformance, Listener, resultOf } from './suite.ts'

executorConformance('thread', () => threadExecutor())
batchConformance('thread', () => threadExecutor())

describe('a thread slot dies alone', () => {
  let artifact: ArtifactRef
  let slot: Slot
  let neighbour: Slot
  const executor = threadExecutor({ maxOldGenerationMb: 32 })

  beforeAll(async () => {
    artifact = await writeArtifact()
  })

  afterEach(async () => {
    await Promise.all([slot.close(), neighbour.close()])
  })

  async function die(step: string): Promise<unknown> {
    ;[slot, neighbour] = await Promise.all([executor.openSlot(), executor.openSlot()])
    const beside = neighbour.run(assignment(artifact, 'saves'), new Listener())
    const end = await slot.run(assignment(artifact, step), new Listener())
    expect(slot.alive).toBe(false)
    expect((await beside).kind).toBe('finished')
    const after = await neighbour.run(assignment(artifact, 'answer'), new Listener())
    expect(resultOf(after)).toMatchObject({ six: 6 })
    return end
  }

  const died = (how: string, details: object = {}) => ({
    kind: 'failed',
    error: { code: 'SLOT_DIED', retryable: true, details: { how, ...details } },
  })

  test('when the step calls process.exit', async () => {
    expect(await die('exits')).toMatchObject(died('process-exit', { exitCode: 7 }))
  })

  test('when the step runs out of memory', async () => {
    expect(await die('eats')).toMatchObject(died('out-of-memory'))
  })

  test('when an error is thrown where nobody can catch it', async () => {
    expect(await die('throws-aside')).toMatchObject(died('uncaught-error', { why: 'aside' }))
  })

  test('when a promise fails that nobody awaits', async () => {
    expect(await die('rejects-aside')).toMatchObject(died('uncaught-error', { why: 'nobody awaits me' }))
  })

  test('when it is ended in an endless loop', async () => {
    ;[slot, neighbour] = await Promise.all([executor.openSlot(), executor.openSlot()])
    const running = slot.run(assignment(artifact, 'spins'), new Listener())
    slot.stop('timeout')
    await slot.terminate('too slow')
    expect(await running).toMatchObject(died('terminated', { why: 'too slow' }))
  })
})

test('a slot closes although its step left a timer running', async () => {
  const artifact = await writeArtifact()
  const slot = await threadExecutor().openSlot()
  expect(resultOf(await slot.run(assignment(artifact, 'lingers'), new Listener()))).toBe('done')
  await slot.close()
  expect(slot.alive).toBe(false)
})

test('a service that never closes does not keep its slot for ever', async () => {
  const artifact = await writeArtifact()
  const slot = await threadExecutor({ closeWithinMs: 50 }).openSlot()
  expect(resultOf(await slot.run(assignment(artifact, 'holds-on'), new Listener()))).toBe('done')
  await slot.close()
  expect(slot.alive).toBe(false)
})

test('what the step prints becomes lines of the log, not output of the process', async () => {
  const artifact = await writeArtifact()
  const slot = await threadExecutor().openSlot()
  const listener = new Listener()
  await slot.run(assignment(artifact, 'prints'), listener)
  expect(listener.lines).toMatchObject([{ level: 'info', message: 'to whom it may concern' }])
  await slot.close()
})

test('neither what a thread prints nor what it dies of tells a secret', async () => {
  process.env['CONFORMANCE_SECRET'] = 'never to be said'
  try {
    const artifact = await writeArtifact()
    const slot = await threadExecutor().openSlot()
    const listener = new Listener()
    await slot.run(assignment(artifact, 'prints-secret'), listener)
    expect(listener.lines).toMatchObject([{ message: 'dialling [secret CONFORMANCE_SECRET]' }])
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

describe('a thread that dies under a batch', () => {
  test('leaves on the board which attempt it was, what ended before it, and those behind it unbegun', async () => {
    const slot = await threadExecutor().openSlot()
    const listener = new BatchListener()
    const board = BatchBoard.of(4)
    const death = await runBatch(
      slot,
      batchOf(await writeArtifact(), ['give', 'give', 'exit', 'give']),
      board,
      listener,
    )
    expect(death).toMatchObject({ error: { code: 'SLOT_DIED', details: { how: 'process-exit', exitCode: 7 } } })
    expect(board.atWork).toBe(2)
    expect(listener.ends.every(({ place }) => place < 2)).toBe(true)
  })

  test('may be in an endless loop: it is ended, and the board says in which attempt', async () => {
    const slot = await threadExecutor().openSlot()
    const board = BatchBoard.of(3)
    const running = runBatch(slot, batchOf(await writeArtifact(), ['give', 'spin', 'give']), board, new BatchListener())
    await atWork(board, 1)
    await slot.terminate('too slow')
    expect(await running).toMatchObject({ error: { details: { how: 'terminated', why: 'too slow' } } })
    expect(board.atWork).toBe(1)
  })
})
