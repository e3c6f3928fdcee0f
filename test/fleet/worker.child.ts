/**
 * A worker of which a test says what it takes itself for: host, boot, clock, lengths of leases. Started with its settings as
 * JSON; says what happens as JSON Lines. SIGTERM drains it.
 */
import path from 'node:path'
import { stepFacts, Worker } from '../../packages/batchwright/src/engine/index.ts'
import { threadExecutor } from '../../packages/batchwright/src/executors/index.ts'
import type { Clock } from '../../packages/batchwright/src/kernel/clock.ts'
import { systemClock } from '../../packages/batchwright/src/kernel/clock.ts'
import { ownIdentity } from '../../packages/batchwright/src/kernel/process-identity.ts'
import { loadArtifact } from '../../packages/batchwright/src/runtime/index.ts'
import { openStore } from '../../packages/batchwright/src/store/index.ts'

export interface BareFacts {
  /** Its host and boot; default: where it really is. */
  readonly host?: string
  readonly slots?: number
  readonly leaseMs: number
  /** How long its main thread may be silent; default as the engine's. */
  readonly silenceMs?: number
  /** How wrong its clock is; default 0. */
  readonly offsetMs?: number
}

interface Settings extends BareFacts {
  readonly folder: string
  readonly url: string
}

function wrongBy(offsetMs: number): Clock {
  return {
    now: () => systemClock.now() + offsetMs,
    monotonic: () => systemClock.monotonic(),
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
    after: (ms, callback, options) => systemClock.after(ms, callback, options),
  }
}

function say(event: string, fields: Readonly<Record<string, string | number | null>> = {}): void {
  process.stdout.write(`${JSON.stringify({ event, message: event, ...fields })}\n`)
}

if (process.send !== undefined) {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- the harness is its only caller
  const { folder, url, host, slots, leaseMs, silenceMs, offsetMs } = JSON.parse(process.argv[2] ?? '') as Settings
  const clock = wrongBy(offsetMs ?? 0)
  const address = { kind: 'postgres', url } as const
  const own = ownIdentity()
  const store = await openStore(address, { clock })
  const worker = new Worker({
    store,
    executors: [threadExecutor({ clock })],
    describe: async ({ codeVersion, artifactPath, step }) =>
      stepFacts(await loadArtifact({ codeVersion, path: artifactPath }), step),
    folders: { project: folder, state: path.join(folder, '.batchwright') },
    slots: slots ?? 1,
    heartbeat: { kind: 'thread', store: address },
    leaseMs,
    heartbeatMs: leaseMs / 3,
    ...(silenceMs === undefined ? {} : { silenceMs }),
    reapEveryMs: Math.min(1_000, leaseMs / 3),
    clock,
    identity: host === undefined ? own : { ...own, host, bootId: `boot of ${host}` },
    hooks: {
      registered: (workerId) => {
        say('worker.registered', { workerId })
      },
      renewalMissed: (error) => {
        say('lease.missed', { why: JSON.stringify(error) })
      },
      storeTrouble: (error) => {
        say('store.trouble', { why: error.message })
      },
      reborn: (workerId) => {
        say('worker.reborn', { workerId })
      },
      ended: (task, decision, stop) => {
        say('attempt.ended', { taskId: task.taskId, kind: task.kind, decision: decision.kind, stop })
      },
    },
  })
  process.on('SIGTERM', () => {
    worker.drain()
  })
  process.on('disconnect', () => {
    process.exit(1)
  })
  await worker.run()
  await store.close()
  process.disconnect()
}
