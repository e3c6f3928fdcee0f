import { expect, test } from 'vitest'
import { inlineExecutor } from '../index.ts'
import { assignment, writeArtifact } from './artifact.ts'
import { batchConformance } from './batch.ts'
import { executorConformance, Listener } from './suite.ts'

executorConformance('inline', () => inlineExecutor())
batchConformance('inline', () => inlineExecutor())

test('what a let-go attempt says later is refused', async () => {
  const artifact = await writeArtifact()
  const slot = await inlineExecutor().openSlot()
  const listener = new Listener()
  const started = Promise.withResolvers<undefined>()
  listener.onCheckpoint = () => {
    started.resolve(undefined)
    return Promise.resolve()
  }
  const running = slot.run(assignment(artifact, 'saves-for-ever'), listener)
  await started.promise
  await slot.terminate('enough')
  await running
  const said = listener.checkpoints.length
  const other = await inlineExecutor().openSlot()
  await other.run(assignment(artifact, 'chatters'), new Listener())
  expect(listener.checkpoints.length).toBeLessThanOrEqual(said + 1)
})
