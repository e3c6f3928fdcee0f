/**
 * The inside of the heartbeat thread: the entry that `ThreadHeartbeat` starts. Its clock started later than the main
 * thread's; each tick carries the main thread's time, and the smallest difference seen bounds the true one, so that a
 * renewal is never dated later than it was sent.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../kernel/clock.ts'
import { reportError } from '../kernel/errors.ts'
import type { Store } from '../store/index.ts'
import { openStore } from '../store/index.ts'
import { LocalHeartbeat } from './local-heartbeat.ts'
import type { FromHeartbeat, HeartbeatThreadStart, ToHeartbeat } from './thread-heartbeat.ts'

if (parentPort === null) throw new Error('heartbeat: expected to be started as a worker thread by ThreadHeartbeat')
const main = parentPort

// eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- the border between threads: ThreadHeartbeat is its only caller
const start = workerData as HeartbeatThreadStart
const clock = systemClock
let tickedAt = clock.monotonic()
let smallestLead = Number.POSITIVE_INFINITY

function send(message: FromHeartbeat): void {
  main.postMessage(message)
}

/** Opened at the first renewal, and again where that failed: a store that does not answer yet is no reason to end. */
let opening: Promise<Store> | null = null

function opened(): Promise<Store> {
  opening ??= openStore(start.store, { clock, migrate: false, narrow: true }).catch((error: unknown) => {
    opening = null
    throw error
  })
  return opening
}

const heartbeat = new LocalHeartbeat(
  {
    renew: async (workerId, held) => {
      if (clock.monotonic() - tickedAt > start.silenceMs) {
        throw new Error(`the main thread has not ticked for ${String(start.silenceMs)} ms`)
      }
      const store = await opened()
      return store.renew(workerId, held)
    },
  },
  clock,
  start,
  {
    renewed: (renewal) => {
      send({ kind: 'renewed', renewal: { ...renewal, sentAt: renewal.sentAt - smallestLead } })
    },
    missed: (error) => {
      send({ kind: 'missed', error: reportError(error) })
    },
    failed: (error) => {
      throw error
    },
  },
)

async function stop(): Promise<void> {
  await heartbeat.stop()
  // Where it could not be opened there is nothing to close.
  const store = await opening?.catch(() => null)
  await store?.close()
  main.close()
}

main.on('message', (message: ToHeartbeat) => {
  switch (message.kind) {
    case 'tick':
      tickedAt = clock.monotonic()
      smallestLead = Math.min(smallestLead, tickedAt - message.at)
      return
    case 'hold':
      heartbeat.hold(message.leases)
      return
    case 'beat':
      heartbeat.beat()
      return
    case 'stop':
      stop().catch((error: unknown) => {
        process.nextTick(() => {
          throw error
        })
      })
  }
})
