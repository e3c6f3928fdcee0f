import { systemClock } from '../kernel/clock.ts'
import { errorFromReport, reportError } from '../kernel/errors.ts'
import type { Answer, Assignment, BatchAssignment, Question } from '../protocol/index.ts'
import { SlotBatchPort } from './batch-port.ts'
import { BatchBoard } from './board.ts'
import type { FromSlot, ToSlot } from './messages.ts'
import { SlotPort } from './port.ts'
import { attemptRunner } from './runner.ts'

/** The slot's end of the way to the engine, whatever it is made of. */
export interface SlotWay {
  send(message: FromSlot): void
  receive(listener: (message: ToSlot) => void): void
}

/**
 * The inside of a slot that is a thread or a process of its own: takes one assignment at a time, loads its artifact once per
 * code version, and speaks in the messages of messages.ts. Ends this thread, or this process, when it is told to close.
 */
export function liveInSlot(way: SlotWay, options: { readonly stopAtFirstCall: boolean }): void {
  const runner = attemptRunner({
    stopAtFirstCall: options.stopAtFirstCall,
    onSecret: (secret, name) => {
      way.send({ kind: 'secret', secret, name })
    },
  })
  let port: SlotPort | null = null
  let batch: SlotBatchPort | null = null
  let announced = -1
  const wire = new Wire({
    ...way,
    send: (message) => {
      if (batch !== null && batch.place !== announced) {
        announced = batch.place
        way.send({ kind: 'at', place: announced })
      }
      way.send(message)
    },
  })

  /** The port of the attempt at work. */
  const atWork = (): SlotPort | null => batch?.current ?? port

  async function run(assignment: Assignment): Promise<void> {
    const mine = wire.openPort()
    port = mine
    try {
      const end = await runner.run(assignment, mine)
      mine.shut()
      way.send({ kind: 'end', end })
    } catch (thrown) {
      mine.shut()
      way.send({ kind: 'end', end: { kind: 'failed', error: reportError(thrown), counters: null } })
    } finally {
      port = null
    }
  }

  async function runBatch(assignment: BatchAssignment, memory: SharedArrayBuffer): Promise<void> {
    const mine = new SlotBatchPort(
      {
        openPort: () => wire.openPort(),
        ended: (ends) => {
          way.send({ kind: 'ended', ends })
        },
      },
      BatchBoard.on(memory),
      systemClock,
    )
    batch = mine
    announced = -1
    await runner.runBatch(assignment, mine)
    mine.flush()
    batch = null
    way.send({ kind: 'batchEnd' })
  }

  async function close(): Promise<void> {
    await runner.close()
    // Timers and connections that user code has left open would keep it alive for ever. Of a thread, this ends no more.
    process.exit(0)
  }

  withoutSecrets(process.stdout, (text) => runner.redact(text))
  withoutSecrets(process.stderr, (text) => runner.redact(text))
  way.receive((message) => {
    switch (message.kind) {
      case 'run':
        orDie(run(message.assignment))
        return
      case 'batch':
        orDie(runBatch(message.batch, message.board))
        return
      case 'stop':
        atWork()?.stop(message.reason)
        return
      case 'close':
        orDie(close())
        return
      case 'split':
        atWork()?.askSplit(message.pieces)
        return
      case 'answer':
        wire.answered(message)
        return
      case 'told':
        wire.told(message)
    }
  })
  way.send({ kind: 'ready' })
}

interface Awaiting {
  readonly resolve: (taken: boolean) => void
  readonly reject: (error: Error) => void
}

/** Numbers what awaits an answer, and finds who waits for it. */
class Wire {
  readonly #way: SlotWay
  readonly #awaited = new Map<number, Awaiting>()
  readonly #asked = new Map<
    number,
    { readonly resolve: (answer: Answer) => void; readonly reject: (error: Error) => void }
  >()
  #lastId = 0

  constructor(way: SlotWay) {
    this.#way = way
  }

  openPort(): SlotPort {
    return new SlotPort(
      {
        checkpoint: async (checkpoint) => {
          await this.#sendAwaited((id) => ({ kind: 'checkpoint', id, checkpoint }))
        },
        partitions: async (batch) => {
          await this.#sendAwaited((id) => ({ kind: 'partitions', id, batch }))
        },
        split: (checkpoint, split) => this.#sendAwaited((id) => ({ kind: 'checkpoint', id, checkpoint, split })),
        splitDeclined: (reason) => {
          this.#way.send({ kind: 'splitDeclined', reason })
        },
        ask: (question) => this.#ask(question),
        tell: (word) => {
          this.#way.send({ kind: 'tell', word })
        },
        progress: (progress) => {
          this.#way.send({ kind: 'progress', progress })
        },
        logs: (lines) => {
          this.#way.send({ kind: 'logs', lines })
        },
      },
      systemClock,
    )
  }

  answered({ id, error, taken = false }: Extract<ToSlot, { kind: 'answer' }>): void {
    const asked = this.#asked.get(id)
    if (asked !== undefined && error !== null) {
      this.#asked.delete(id)
      asked.reject(errorFromReport(error))
      return
    }
    const waiting = this.#awaited.get(id)
    this.#awaited.delete(id)
    if (error === null) waiting?.resolve(taken)
    else waiting?.reject(errorFromReport(error))
  }

  told({ id, answer }: Extract<ToSlot, { kind: 'told' }>): void {
    this.#asked.get(id)?.resolve(answer)
    this.#asked.delete(id)
  }

  #ask(question: Question): Promise<Answer> {
    this.#lastId += 1
    const id = this.#lastId
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject })
      this.#way.send({ kind: 'ask', id, question })
    })
  }

  #sendAwaited(make: (id: number) => FromSlot): Promise<boolean> {
    this.#lastId += 1
    const id = this.#lastId
    return new Promise((resolve, reject) => {
      this.#awaited.set(id, { resolve, reject })
      this.#way.send(make(id))
    })
  }
}

/** What is printed here is relayed to the run's log. It must not leave the slot with a secret in it. */
function withoutSecrets(stream: NodeJS.WriteStream, redact: (text: string) => string): void {
  const write = stream.write.bind(stream)
  stream.write = (piece: string | Uint8Array, ...rest: readonly unknown[]): boolean => {
    const text = typeof piece === 'string' ? piece : Buffer.from(piece).toString('utf8')
    return Boolean(Reflect.apply(write, stream, [redact(text), ...rest]))
  }
}

/** A promise that fails here fails the slot: the engine's side sees it die, and says of what. */
function orDie(work: Promise<void>): void {
  work.catch((error: unknown) => {
    process.nextTick(() => {
      throw error
    })
  })
}
