/** A worker with one slot process, for tests that kill it: tells its parent what the step saves first. */
import type { ArtifactRef } from '../../protocol/index.ts'
import { processExecutor } from '../index.ts'
import { assignment } from './artifact.ts'

const [, , artifact = '', step = ''] = process.argv
const slot = await processExecutor().openSlot()
const ref = JSON.parse(artifact) as ArtifactRef // what process.test.ts has written
await slot.run(assignment(ref, step), {
  checkpoint: ({ state }) => {
    process.send?.(Reflect.get(Object(state), 'progress'))
    return Promise.resolve()
  },
  partitions: () => Promise.resolve(),
  ask: () => Promise.reject(new Error('nothing is asked here')),
  tell: () => undefined,
  progress: () => undefined,
  log: () => undefined,
})
