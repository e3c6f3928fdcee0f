import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import type { FromPeerWorker } from './messages.ts'
import type { Peer, PeerSettings } from './peer.ts'

export interface PeerWorker {
  readonly pid: number
  /** SIGKILL. Resolves when it is gone. */
  kill(): Promise<void>
  /** Lets it end in good order. */
  close(): Promise<void>
}

export interface PeerWorkerOptions {
  readonly url: string
  readonly settings: PeerSettings
  /** `nothing`, `start` (says of each job that it started), `cpu:MS`, `sleep:MS` (says so too). */
  readonly work: string
  readonly said?: (message: FromPeerWorker) => void
}

/** Starts a process that works for a peer. Resolves when it takes jobs. */
export async function startPeerWorker(peer: Peer, options: PeerWorkerOptions): Promise<PeerWorker> {
  const child = fork(
    path.join(import.meta.dirname, 'worker.ts'),
    [peer.package, options.url, options.settings, options.work],
    { execArgv: ['--disable-warning=ExperimentalWarning'], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
  )
  const ready = Promise.withResolvers<undefined>()
  child.on('message', (message: FromPeerWorker) => {
    if (message.kind === 'ready') ready.resolve(undefined)
    options.said?.(message)
  })
  child.once('exit', (code, signal) => {
    ready.reject(new Error(`a worker of ${peer.name} ended with ${String(code ?? signal)}`))
  })
  await ready.promise
  return {
    pid: child.pid ?? 0,
    kill: () => ended(child, () => child.kill('SIGKILL')),
    close: () =>
      ended(child, () => {
        child.disconnect()
      }),
  }
}

async function ended(child: ChildProcess, how: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  how()
  await gone
}
