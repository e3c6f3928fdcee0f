/**
 * A process that works for one peer: `node worker.ts <package> <url> <tuned | defaults> <work>`, where work is `nothing`,
 * `cpu:MS` (burns that much time of its thread's CPU) or `sleep:MS`. Over its channel it says when it is ready, how many jobs it
 * has done, and, of all but `nothing`, which it has started and when. It ends when the channel closes.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { FromPeerWorker } from './messages.ts'
import type { HandleJob, PeerSettings } from './peer.ts'
import { PEERS } from './peers.ts'

const [packageName = '', url = '', settings = '', work = ''] = process.argv.slice(2)
const peer = PEERS.find((one) => one.package === packageName)
if (peer === undefined) throw new Error(`expected the package of a peer, found ${packageName}`)
if (!isSettings(settings)) throw new Error(`expected tuned or defaults, found ${settings}`)

const REPORT_EVERY_MS = 5
let done = 0
let told = 0

function isSettings(word: string): word is PeerSettings {
  return word === 'tuned' || word === 'defaults'
}

function say(message: FromPeerWorker): void {
  if (process.connected) process.send?.(message)
}

/** Wall time with fractions of a millisecond, the same for all processes of a machine. */
function now(): number {
  return performance.timeOrigin + performance.now()
}

function burn(ms: number): void {
  const from = process.threadCpuUsage()
  for (;;) {
    const { user, system } = process.threadCpuUsage(from)
    if ((user + system) / 1000 >= ms) return
  }
}

function handler(): HandleJob {
  const [kind, given] = work.split(':')
  const ms = Number(given)
  switch (kind) {
    case 'nothing':
      return () => {
        done += 1
      }
    case 'start':
      return ({ n }) => {
        say({ kind: 'started', n, at: now() })
        done += 1
      }
    case 'cpu':
      return () => {
        burn(ms)
        done += 1
      }
    case 'sleep':
      return async ({ n }) => {
        say({ kind: 'started', n, at: now() })
        await sleep(ms)
        say({ kind: 'done', count: 1, at: now() })
      }
    default:
      throw new Error(`expected nothing, start, cpu:MS or sleep:MS, found ${work}`)
  }
}

const working = await peer.work(url, settings, handler())
const reporting = setInterval(() => {
  if (done === told) return
  say({ kind: 'done', count: done - told, at: now() })
  told = done
}, REPORT_EVERY_MS)
say({ kind: 'ready' })

process.once('disconnect', () => {
  clearInterval(reporting)
  working.close().then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
