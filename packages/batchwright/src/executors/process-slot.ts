/** The inside of a process slot: the entry that `processExecutor` starts. */
import { writeFileSync } from 'node:fs'
import { Worker as Thread } from 'node:worker_threads'
import { reportError } from '../kernel/errors.ts'
import { liveInSlot } from './inside.ts'
import type { FromSlot, ProcessStart, ToSlot } from './messages.ts'
import { killGroup } from './process-tree.ts'

const [, , argument] = process.argv
if (argument === undefined || process.send === undefined) {
  throw new Error('process-slot: expected to be started as a child by processExecutor')
}
const toWorker = process.send.bind(process)

process.setSourceMapsEnabled(true)

// eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- the border between processes: processExecutor is its only caller
const start = JSON.parse(argument) as ProcessStart
process.title = `batchwright ${start.name}`

const GUARD = new URL(import.meta.url.endsWith('.ts') ? './guard.ts' : './guard.js', import.meta.url)
const guard = new Thread(GUARD, {
  workerData: start,
  name: 'guard',
  resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
})
guard.on('exit', () => {
  // Nobody watches any more.
  killGroup(process.pid)
})
guard.unref()

function send(message: FromSlot): void {
  toWorker(message)
}

process.on('uncaughtException', (error) => {
  const message: FromSlot = { kind: 'dying', error: reportError(error) }
  toWorker(message, undefined, undefined, () => {
    process.exit(1)
  })
})

/** A machine without memory ends this process before its worker. */
function beFirstToGo(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000')
  } catch {
    // Not Linux, or not allowed: the kernel chooses by itself.
  }
}

beFirstToGo()
liveInSlot(
  {
    send,
    receive: (listener) => {
      process.on('message', (message) => {
        // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- the border between processes: processExecutor is the only sender
        listener(message as ToSlot)
      })
    },
  },
  start,
)
