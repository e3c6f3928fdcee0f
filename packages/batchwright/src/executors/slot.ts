/**
 * The inside of a thread slot: the entry that `threadExecutor` starts. Takes one assignment at a time, loads its artifact
 * once per code version, and speaks in the messages of messages.ts.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../kernel/clock.ts'
import { errorFromReport, reportError } from '../kernel/errors.ts'
import type { Assignment } from '../protocol/index.ts'
import type { FromSlot, SlotStart, ToSlot } from './messages.ts'
import { SlotPort } from './port.ts'
import { attemptRunner } from './runner.ts'

if (parentPort === null) throw new Error('slot: expected to be started as a worker thread by threadExecutor')
const engine = parentPort

process.setSourceMapsEnabled(true)

// eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- the border between threads: threadExecutor is its only caller
const { stopAtFirstCall } = workerData as SlotStart
const runner = attemptRunner({
  stopAtFirstCall,
  onSecret: (secret, name) => {
    send({ kind: 'secret', secret, name })
  },
})
/** What is printed here is relayed to the run's log. It must not leave the thread with a secret in it. */
function withoutSecrets(stream: NodeJS.WriteStream): void {
  const write = stream.write.bind(stream)
  stream.write = (piece: string | Uint8Array, ...rest: readonly unknown[]): boolean => {
    const text = typeof piece === 'string' ? piece : Buffer.from(piece).toString('utf8')
    return Boolean(Reflect.apply(write, stream, [runner.redact(text), ...rest]))
  }
}

withoutSecrets(process.stdout)
withoutSecrets(process.stderr)

const awaited = new Map<number, { readonly resolve: () => void; readonly reject: (error: Error) => void }>()
let lastId = 0
let port: SlotPort | null = null

function send(message: FromSlot): void {
  engine.postMessage(message)
}

function sendAwaited(make: (id: number) => FromSlot): Promise<void> {
  lastId += 1
  const id = lastId
  return new Promise((resolve, reject) => {
    awaited.set(id, { resolve, reject })
    send(make(id))
  })
}

function openPort(): SlotPort {
  return new SlotPort(
    {
      checkpoint: (checkpoint) => sendAwaited((id) => ({ kind: 'checkpoint', id, checkpoint })),
      partitions: (batch) => sendAwaited((id) => ({ kind: 'partitions', id, batch })),
      progress: (progress) => {
        send({ kind: 'progress', progress })
      },
      logs: (lines) => {
        send({ kind: 'logs', lines })
      },
    },
    systemClock,
  )
}

async function run(assignment: Assignment): Promise<void> {
  const mine = openPort()
  port = mine
  try {
    const end = await runner.run(assignment, mine)
    mine.shut()
    send({ kind: 'end', end })
  } catch (thrown) {
    mine.shut()
    send({ kind: 'end', end: { kind: 'failed', error: reportError(thrown), counters: null } })
  } finally {
    port = null
  }
}

async function close(): Promise<void> {
  await runner.close()
  // Only this thread. Timers and connections that user code has left open would keep it alive for ever.
  process.exit(0)
}

/** A promise that fails here fails the thread: the engine's side sees it die, and says of what. */
function orDie(work: Promise<void>): void {
  work.catch((error: unknown) => {
    process.nextTick(() => {
      throw error
    })
  })
}

engine.on('message', (message: ToSlot) => {
  switch (message.kind) {
    case 'run':
      orDie(run(message.assignment))
      return
    case 'stop':
      port?.stop(message.reason)
      return
    case 'close':
      orDie(close())
      return
    case 'answer': {
      const waiting = awaited.get(message.id)
      awaited.delete(message.id)
      if (message.error === null) waiting?.resolve()
      else waiting?.reject(errorFromReport(message.error))
    }
  }
})

send({ kind: 'ready' })
