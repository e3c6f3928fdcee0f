import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { BatchwrightError } from '../../kernel/errors.ts'
import type {
  Answer,
  ArtifactRef,
  AttemptEnd,
  Checkpoint,
  LogLine,
  PartitionPlan,
  Progress,
  Question,
  Word,
} from '../../protocol/index.ts'
import type { Executor, Slot, SlotCallbacks } from '../contract.ts'
import { assignment, planAssignment, writeArtifact } from './artifact.ts'

/** The engine's side of an attempt, which keeps what it was told. */
export class Listener implements SlotCallbacks {
  readonly checkpoints: Checkpoint[] = []
  readonly planned: PartitionPlan[] = []
  readonly progressed: Progress[] = []
  readonly lines: LogLine[] = []
  /** Called before a checkpoint is acknowledged. */
  onCheckpoint: (checkpoint: Checkpoint) => Promise<void> = () => Promise.resolve()

  async checkpoint(checkpoint: Checkpoint): Promise<void> {
    await this.onCheckpoint(checkpoint)
    this.checkpoints.push(checkpoint)
  }

  partitions(batch: readonly PartitionPlan[]): Promise<void> {
    this.planned.push(...batch)
    return Promise.resolve()
  }

  /** Answers what is asked of the fleet. */
  onAsk: (question: Question) => Promise<Answer> = () => Promise.reject(new Error('nothing is asked here'))
  readonly words: Word[] = []

  ask(question: Question): Promise<Answer> {
    return this.onAsk(question)
  }

  tell(word: Word): void {
    this.words.push(word)
  }

  progress(progress: Progress): void {
    this.progressed.push(progress)
  }

  log(line: LogLine): void {
    this.lines.push(line)
  }
}

export function resultOf(end: AttemptEnd): unknown {
  return end.kind === 'finished' ? end.output.result : end
}

/** What every executor keeps, whatever its slots are made of. */
export function executorConformance(name: string, open: () => Executor): void {
  describe(`${name}: a slot`, () => {
    let artifact: ArtifactRef
    const slots: Slot[] = []

    beforeAll(async () => {
      artifact = await writeArtifact()
    })

    afterEach(async () => {
      await Promise.all(slots.splice(0).map((slot) => slot.close()))
    })

    async function openSlot(): Promise<Slot> {
      const slot = await open().openSlot()
      slots.push(slot)
      return slot
    }

    test('finds the step in the artifact and runs it to its end', async () => {
      const slot = await openSlot()
      const end = await slot.run(assignment(artifact, 'answer'), new Listener())
      expect(resultOf(end)).toMatchObject({ six: 6, logical: '2026-01-01T00:00:00.000Z' })
      expect(slot.alive).toBe(true)
    })

    test('takes one attempt after another and loads the code once', async () => {
      const slot = await openSlot()
      const loads: unknown[] = []
      for (let count = 0; count < 3; count += 1) {
        loads.push(resultOf(await slot.run(assignment(artifact, 'answer'), new Listener())))
      }
      expect(new Set(loads.map((result) => JSON.stringify(result))).size).toBe(1)
    })

    test('refuses a second attempt while one runs, and the first goes on', async () => {
      const slot = await openSlot()
      const first = slot.run(assignment(artifact, 'waits'), new Listener())
      const second = await slot.run(assignment(artifact, 'answer'), new Listener())
      expect(second).toMatchObject({ kind: 'failed', error: { code: 'SLOT_UNUSABLE' } })
      slot.stop('cancelled')
      expect((await first).kind).toBe('failed')
    })

    test('hands over the partitions of a plan before its end', async () => {
      const slot = await openSlot()
      const listener = new Listener()
      const end = await slot.run(planAssignment(artifact, 'answer'), listener)
      expect(end).toMatchObject({ kind: 'planned', plan: { partitions: 1 } })
      expect(listener.planned).toHaveLength(1)
    })

    test('an error of the step ends the attempt with its code and its stack, and the slot lives', async () => {
      const slot = await openSlot()
      const end = await slot.run(assignment(artifact, 'throws'), new Listener())
      expect(end).toMatchObject({
        kind: 'failed',
        error: { code: 'OUT_OF_LUCK', message: 'no luck', retryable: false },
      })
      expect(end.kind === 'failed' ? end.error.stack : '').toContain(artifact.path)
      expect(slot.alive).toBe(true)
    })

    test('waits for the acknowledgement of each checkpoint before it goes on', async () => {
      const slot = await openSlot()
      const listener = new Listener()
      const gate = Promise.withResolvers<undefined>()
      const asked = Promise.withResolvers<undefined>()
      listener.onCheckpoint = async () => {
        asked.resolve(undefined)
        await gate.promise
      }
      const running = slot.run(assignment(artifact, 'saves'), listener)
      await asked.promise
      expect(listener.checkpoints).toEqual([])
      gate.resolve(undefined)
      await running
      expect(listener.checkpoints.map((checkpoint) => checkpoint.sequence)).toEqual([1, 2, 3])
    })

    test('goes on from the checkpoint of the attempt before', async () => {
      const slot = await openSlot()
      const first = new Listener()
      await slot.run(assignment(artifact, 'saves'), first)
      const second = new Listener()
      const end = await slot.run(assignment(artifact, 'saves', first.checkpoints[1] ?? null), second)
      expect(resultOf(end)).toMatchObject({ from: 2 })
      expect(second.checkpoints.map((checkpoint) => checkpoint.sequence)).toEqual([3])
    })

    test('an attempt whose checkpoint is refused as fenced ends, and says why', async () => {
      const slot = await openSlot()
      const listener = new Listener()
      listener.onCheckpoint = () => Promise.reject(new BatchwrightError({ code: 'FENCED', message: 'not yours' }))
      const end = await slot.run(assignment(artifact, 'saves'), listener)
      expect(end).toMatchObject({ kind: 'failed', error: { code: 'FENCED', message: 'not yours' } })
    })

    test('asked to give back, it does so at its next commit', async () => {
      const slot = await openSlot()
      const listener = new Listener()
      listener.onCheckpoint = (checkpoint) => {
        if (checkpoint.sequence === 5) slot.stop('preempted')
        return Promise.resolve()
      }
      const end = await slot.run(assignment(artifact, 'saves-for-ever'), listener)
      expect(end.kind).toBe('givenBack')
      expect(listener.checkpoints.length).toBeGreaterThanOrEqual(5)
    })

    test('log lines arrive complete and in order, before the end', async () => {
      const slot = await openSlot()
      const listener = new Listener()
      await slot.run(assignment(artifact, 'logs'), listener)
      expect(listener.lines.map((line) => line.fields?.['line'])).toEqual(Array.from({ length: 1000 }, (_, at) => at))
    })

    test('progress is thinned out, and the last word arrives', async () => {
      const slot = await openSlot()
      const listener = new Listener()
      await slot.run(assignment(artifact, 'chatters'), listener)
      expect(listener.progressed.at(-1)?.fraction).toBe(1)
      expect(listener.progressed.length).toBeLessThan(300)
    })

    describe('with a service', () => {
      const secret = 'a number/nobody knows'
      let closed: string

      beforeEach(async () => {
        closed = join(await mkdtemp(join(tmpdir(), 'batchwright-closed-')), 'closed')
        process.env['CONFORMANCE_SECRET'] = secret
        process.env['CONFORMANCE_CLOSED'] = closed
      })

      afterEach(async () => {
        delete process.env['CONFORMANCE_SECRET']
        delete process.env['CONFORMANCE_CLOSED']
        await rm(dirname(closed), { recursive: true, force: true })
      })

      test('opens it with the first attempt that uses it, once, and closes it when it is closed, after failures too', async () => {
        const own = await writeArtifact()
        const slot = await openSlot()
        await slot.run(assignment(own, 'answer'), new Listener())
        expect(resultOf(await slot.run(assignment(own, 'calls'), new Listener()))).toBe(secret.length)
        expect(resultOf(await slot.run(assignment(own, 'calls'), new Listener()))).toBe(secret.length)
        expect((await slot.run(assignment(own, 'fails-calling'), new Listener())).kind).toBe('failed')
        await expect(readFile(closed)).rejects.toMatchObject({ code: 'ENOENT' })
        await slot.close()
        expect(await readFile(closed, 'utf8')).toContain('opened called called closed;')
      })

      test('gives its secret to nobody: not to the log, an error or a result', async () => {
        const slot = await openSlot()
        const listener = new Listener()
        const failed = await slot.run(assignment(artifact, 'fails-calling'), listener)
        expect(failed).toMatchObject({ error: { message: 'no answer from [secret CONFORMANCE_SECRET]' } })
        expect(listener.lines).toMatchObject([{ message: 'calling [secret CONFORMANCE_SECRET]' }])
        const told = await slot.run(assignment(artifact, 'tells'), listener)
        expect(told).toMatchObject({ kind: 'failed', error: { code: 'SECRET_IN_RESULT' } })
        const said = JSON.stringify([failed, told, listener.lines])
        expect(said).not.toContain(secret)
        expect(said).not.toContain(encodeURIComponent(secret))
      })
    })

    test('ended from outside, its attempt has died with the reason, and it takes no other', async () => {
      const slot = await openSlot()
      const running = slot.run(assignment(artifact, 'waits'), new Listener())
      await slot.terminate('the test says so')
      expect(await running).toMatchObject({
        kind: 'failed',
        error: { code: 'SLOT_DIED', retryable: true, details: { how: 'terminated', why: 'the test says so' } },
      })
      expect(slot.alive).toBe(false)
      expect(await slot.run(assignment(artifact, 'answer'), new Listener())).toMatchObject({
        kind: 'failed',
        error: { code: 'SLOT_UNUSABLE' },
      })
    })
  })
}
