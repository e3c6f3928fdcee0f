/**
 * The guard of a slot process: a thread beside the step's code, which that code can neither delay nor catch. It ends the
 * process, with all that it has started, when it takes more memory than it was given, and when its worker is gone.
 */
import { writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { workerData } from 'node:worker_threads'
import { systemClock } from '../kernel/clock.ts'
import type { LastWord, ProcessStart } from './messages.ts'
import { groupMemory, killGroup, killMarked, SLOT_VARIABLE } from './process-tree.ts'

/** The pipe to the worker: words go out by it, and its end is the worker's end. */
const WORKER_PIPE = 3
/** Memory that grows by a gigabyte a second grows by this many times 25 MB between two looks. */
const LOOK_EVERY_MS = 25
/** What the process has started is looked at less often: the whole list of processes is read for it. */
const GROUP_EVERY_LOOKS = 20

// eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- the border between threads: process-slot.ts is its only caller
const { limitBytes, workerPid } = workerData as ProcessStart

const mark = process.env[SLOT_VARIABLE] ?? ''

/** What has left the group first: nobody would be there to look for it. */
function end(): void {
  killMarked((other) => other === mark)
  killGroup(process.pid)
}

function look(count: number): void {
  if (process.ppid !== workerPid) end()
  const own = process.memoryUsage.rss()
  const usedBytes = count % GROUP_EVERY_LOOKS === 0 ? Math.max(own, groupMemory(process.pid)) : own
  if (usedBytes > limitBytes) {
    const word: LastWord = { limitBytes, usedBytes }
    writeSync(WORKER_PIPE, `${JSON.stringify(word)}\n`)
    end()
  }
  systemClock.after(
    LOOK_EVERY_MS,
    () => {
      look(count + 1)
    },
    { hold: true },
  )
}

const worker = new Socket({ fd: WORKER_PIPE, readable: true, writable: false })
worker.on('error', end)
worker.on('close', end)
worker.resume()
look(0)
