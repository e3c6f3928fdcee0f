import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ArtifactRef, AttemptEnd, BatchAssignment, BatchEnd } from '../../protocol/index.ts'
import type { BatchCallbacks, Executor, Slot } from '../contract.ts'
import { BatchBoard } from '../index.ts'
import { assignment, writeArtifact } from './artifact.ts'
import { Listener } from './suite.ts'

/** The engine's side of a batch, which keeps what it was told. */
export class BatchListener implements BatchCallbacks {
  readonly ends: BatchEnd[] = []
  readonly attempts = new Map<number, Listener>()
  /** Called when ends are told. */
  onEnded: () => void = () => undefined

  attempt(place: number): Listener {
    const known = this.attempts.get(place) ?? new Listener()
    this.attempts.set(place, known)
    return known
  }

  ended(ends: readonly BatchEnd[]): void {
    this.ends.push(...ends)
    this.onEnded()
  }

  get results(): readonly unknown[] {
    return this.ends.map((end) => ('result' in end ? [end.place, end.result] : [end.place, codeOf(end.end)]))
  }
}

function codeOf(end: AttemptEnd): string {
  return end.kind === 'failed' ? end.error.code : end.kind
}

/** What each item makes the step `items` do. */
export function batchOf(artifact: ArtifactRef, items: readonly string[]): BatchAssignment {
  const { ref, partition, ...shared } = assignment(artifact, 'items')
  const tasks = items.map((item, index) => ({
    ref: { ...ref, taskId: index + 1 },
    partition: { ...partition, index, payload: item },
    checkpoint: null,
  }))
  return { ...shared, kind: 'batch', tasks }
}

/** Resolves when the attempt at a place is at work. */
export async function atWork(board: BatchBoard, place: number): Promise<void> {
  while (board.atWork !== place) await new Promise((resolve) => setImmediate(resolve))
}

/** Runs a batch in a slot that takes batches. */
export function runBatch(
  slot: Slot,
  batch: BatchAssignment,
  board: BatchBoard,
  listener: BatchCallbacks,
): Promise<AttemptEnd | null> {
  const running = slot.runBatch?.(batch, board, listener)
  if (running === undefined) throw new Error('expected a slot that takes batches')
  return running
}

/** What every executor keeps whose slots take batches. */
export function batchConformance(name: string, open: () => Executor): void {
  describe(`${name}: a batch`, () => {
    let artifact: ArtifactRef
    const slots: Slot[] = []

    beforeAll(async () => {
      artifact = await writeArtifact()
    })

    afterEach(async () => {
      await Promise.all(slots.splice(0).map((slot) => slot.close()))
    })

    async function run(items: readonly string[], listener = new BatchListener()) {
      const slot = await open().openSlot()
      slots.push(slot)
      const batch = batchOf(artifact, items)
      const board = BatchBoard.of(items.length)
      return { slot, board, listener, running: runBatch(slot, batch, board, listener) }
    }

    test('runs its attempts in order, whether they give promises or not, and tells what each returned', async () => {
      const { slot, listener, running } = await run(['give', 'wait', 'give', 'give'])
      expect(await running).toBeNull()
      expect(listener.results).toEqual([
        [0, 'give 0'],
        [1, 'wait 1'],
        [2, 'give 2'],
        [3, 'give 3'],
      ])
      expect(slot.alive).toBe(true)
    })

    test('of attempts that fail, throwing or later, only they fail', async () => {
      const { listener, running } = await run(['throw', 'give', 'reject', 'give'])
      expect(await running).toBeNull()
      expect(listener.results).toEqual([
        [0, 'OUT_OF_LUCK'],
        [1, 'give 1'],
        [2, 'OUT_OF_LUCK'],
        [3, 'give 3'],
      ])
    })

    test('what an attempt logs and saves is told as its own', async () => {
      const { listener, running } = await run(['give', 'save', 'give', 'log'])
      await running
      expect(listener.results).toHaveLength(4)
      expect(listener.attempts.get(1)?.checkpoints).toMatchObject([{ sequence: 1, state: { progress: 'half' } }])
      expect(listener.attempts.get(3)?.lines.map((line) => line.message)).toEqual(['line of 3'])
      expect(listener.attempts.get(1)?.lines).toEqual([])
    })

    test('an attempt that goes on from a checkpoint finds its progress', async () => {
      const slot = await open().openSlot()
      slots.push(slot)
      const first = new BatchListener()
      await runBatch(slot, batchOf(artifact, ['save']), BatchBoard.of(1), first)
      const [checkpoint] = first.attempt(0).checkpoints
      const batch = batchOf(artifact, ['give', 'progress'])
      const tasks = batch.tasks.map((task, place) => ({
        ...task,
        checkpoint: place === 1 ? (checkpoint ?? null) : null,
      }))
      const listener = new BatchListener()
      await runBatch(slot, { ...batch, tasks }, BatchBoard.of(2), listener)
      expect(listener.ends[1]).toMatchObject({ place: 1, end: { kind: 'finished', output: { result: 'half' } } })
    })

    test('after a stop no attempt begins, and the one at work is asked to stop', async () => {
      const { slot, board, listener, running } = await run(['give', 'until-stopped', 'give', 'give'])
      await atWork(board, 1)
      board.stop()
      slot.stop('cancelled')
      expect(await running).toBeNull()
      expect(listener.ends.map(({ place }) => place)).toEqual([0, 1])
      expect(board.atWork).toBe(1)
    })

    test('an attempt that must not begin any more is left out', async () => {
      const listener = new BatchListener()
      const slot = await open().openSlot()
      slots.push(slot)
      const board = BatchBoard.of(3)
      board.skip(1)
      await runBatch(slot, batchOf(artifact, ['give', 'give', 'give']), board, listener)
      expect(listener.results).toEqual([
        [0, 'give 0'],
        [2, 'give 2'],
      ])
    })

    test('ends do not wait for an attempt that takes its time', async () => {
      const { slot, board, listener, running } = await run(['give', 'until-stopped'])
      const told = Promise.withResolvers<undefined>()
      listener.onEnded = () => {
        told.resolve(undefined)
      }
      await told.promise
      expect(listener.results).toEqual([[0, 'give 0']])
      await atWork(board, 1)
      board.stop()
      slot.stop('cancelled')
      await running
    })

    test('where a step of the artifact is missing, the first attempt fails and the others do not begin', async () => {
      const slot = await open().openSlot()
      slots.push(slot)
      const listener = new BatchListener()
      const board = BatchBoard.of(2)
      await runBatch(slot, { ...batchOf(artifact, ['give', 'give']), step: 'nowhere' }, board, listener)
      expect(listener.results).toEqual([[0, 'STEP_UNKNOWN']])
      expect(board.atWork).toBe(0)
    })

    test('a slot runs one batch or attempt at a time', async () => {
      const { slot, board, running } = await run(['until-stopped'])
      const other = await runBatch(slot, batchOf(artifact, ['give']), BatchBoard.of(1), new BatchListener())
      expect(other).toMatchObject({ kind: 'failed', error: { code: 'SLOT_UNUSABLE' } })
      expect(await slot.run(assignment(artifact, 'answer'), new Listener())).toMatchObject({
        error: { code: 'SLOT_UNUSABLE' },
      })
      await atWork(board, 0)
      await slot.terminate('enough')
      expect(await running).toMatchObject({ error: { code: 'SLOT_DIED' } })
      expect(board.atWork).toBe(0)
    })
  })
}
