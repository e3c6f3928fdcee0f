/** The inside of a thread slot: the entry that `threadExecutor` starts. */
import { parentPort, workerData } from 'node:worker_threads'
import { liveInSlot } from './inside.ts'
import type { SlotStart, ToSlot } from './messages.ts'

if (parentPort === null) throw new Error('slot: expected to be started as a worker thread by threadExecutor')
const engine = parentPort

process.setSourceMapsEnabled(true)

liveInSlot(
  {
    send: (message) => {
      engine.postMessage(message)
    },
    receive: (listener) => {
      engine.on('message', (message: ToSlot) => {
        listener(message)
      })
    },
  },
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- the border between threads: threadExecutor is its only caller
  workerData as SlotStart,
)
