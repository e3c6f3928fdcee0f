import { httpService, type HttpAnswer, type HttpClient, type HttpTarget } from '../../job/index.ts'
import type { Clock } from '../../kernel/clock.ts'
import { sha256 } from '../../kernel/digest.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import { failPoint } from '../../kernel/failpoint.ts'
import type { CallEnd } from '../fleet/gate.ts'
import type { SlotHost } from '../host.ts'
import type { PolicyPatience } from '../patience.ts'
import type { Chunk } from '../records/chunk.ts'
import type { UsedServices } from '../services.ts'
import type { Stops } from '../stop.ts'
import { exchange, retryAfterMs, shownUrl, type HttpMessage } from './exchange.ts'

/** Hex digits of a key: 128 bits. */
const KEY_LENGTH = 32
/** A shorter wait for the other side is sat through, where no service keeps it. */
const PATIENCE_MS = 2_000
/** Of an answer, in an error. */
const SHOWN_BODY = 500

export interface HttpOutputOptions {
  readonly target: HttpTarget
  readonly job: string
  readonly step: string
  readonly host: SlotHost
  readonly services: UsedServices
  readonly stops: Stops
  readonly patience: PolicyPatience
}

/** Records that go in one request, with the key of each. */
interface Group {
  readonly records: readonly object[]
  readonly keys: readonly string[]
  /** Index in the batch of the record that each came from. */
  readonly origins: readonly number[]
}

/** The other side will have none of these records. */
class Refused extends BatchwrightError {
  override readonly name = 'Refused'
}

/** The other side asks for patience. */
interface Busy {
  readonly waitMs: number
}

/**
 * Sends a chunk's records to an address, several requests at a time, and is done when each was answered: what a checkpoint
 * covers has arrived. Keys derive from the snapshot's digest, the record's place and the output's, never from run or attempt,
 * so that what is sent again after a crash is known on the other side.
 */
export class HttpOutput {
  readonly #options: HttpOutputOptions
  readonly #clock: Clock

  constructor(options: HttpOutputOptions) {
    this.#options = options
    this.#clock = options.host.clock
  }

  /** Sets records that the other side refuses aside in the chunk. Throws what fails the attempt. */
  async write(chunk: Chunk): Promise<void> {
    const { target } = this.#options
    const groups = this.#groups(chunk).values()
    const refused = new Map<number, unknown>()
    const lane = async (): Promise<void> => {
      for (const group of groups) await this.#send(group, refused)
    }
    // What has left is waited for, whatever else failed: its records are sent again under the same keys.
    const lanes = await Promise.allSettled(Array.from({ length: target.concurrency }, lane))
    for (const outcome of lanes) if (outcome.status === 'rejected') throw outcome.reason
    if (refused.size > 0) chunk.failWritten(refused)
  }

  #groups(chunk: Chunk): readonly Group[] {
    const { target, job, step } = this.#options
    const groups: Group[] = []
    let last = -1
    let ordinal = 0
    const keys = chunk.outputs.map((_, place) => {
      const origin = chunk.origins[place] ?? chunk.from
      ordinal = origin === last ? ordinal + 1 : 0
      last = origin
      const { record } = chunk.batch.locate(origin)
      return sha256(`${job} ${step} ${chunk.batch.digest} ${String(record)} ${String(ordinal)}`).slice(0, KEY_LENGTH)
    })
    for (let from = 0; from < chunk.outputs.length; from += target.batch) {
      const to = from + target.batch
      groups.push({
        records: chunk.outputs.slice(from, to),
        keys: keys.slice(from, to),
        origins: chunk.origins.slice(from, to),
      })
    }
    return groups
  }

  /** Sends a group until it was taken; one that is refused is halved, down to the records that are to blame. */
  async #send(group: Group, refused: Map<number, unknown>): Promise<void> {
    const { stops } = this.#options
    stops.hard.throwIfAborted()
    try {
      await this.#deliverPatiently(group)
    } catch (thrown) {
      if (!(thrown instanceof Refused)) throw thrown
      const [origin] = group.origins
      if (group.records.length === 1 && origin !== undefined) refused.set(origin, thrown)
      else for (const half of halvesOf(group)) await this.#send(half, refused)
    }
  }

  async #deliverPatiently(group: Group): Promise<void> {
    const { patience } = this.#options
    try {
      await this.#deliver(group)
    } catch (thrown) {
      if (thrown instanceof Refused || !patience.worth(thrown)) throw thrown
      await patience.retry(thrown, () => this.#deliver(group))
    }
  }

  /** One try; waits as long as the other side asks for patience. */
  async #deliver(group: Group): Promise<void> {
    const message = this.#message(group)
    for (;;) {
      const busy = await this.#request(message)
      if (busy === null) {
        failPoint('http.sent')
        return
      }
      await this.#beLeftAlone(busy)
    }
  }

  #message(group: Group): HttpMessage {
    const { target } = this.#options
    const client = this.#client()
    const [first = ''] = group.keys
    const key = group.keys.length === 1 ? first : sha256(group.keys.join(' ')).slice(0, KEY_LENGTH)
    const body = JSON.stringify(target.body(group.records, group.keys)) as string | undefined
    return {
      url: typeof target.url === 'string' ? target.url : target.url(group.records),
      headers: {
        'content-type': 'application/json',
        ...client.headers,
        ...target.headers,
        ...(target.idempotencyKey === null ? {} : { [target.idempotencyKey]: key }),
      },
      body: body ?? '',
    }
  }

  #client(): HttpClient {
    const { target, services } = this.#options
    if (target.service === null) return {}
    const client = services.clients[httpService(target.service)]
    return typeof client === 'object' && client !== null ? client : {}
  }

  /** Null where it was taken. Throws Refused, and what may pass: HTTP_FAILED, errors of the connection. */
  async #request(message: HttpMessage): Promise<Busy | null> {
    const { target, host, stops } = this.#options
    const { service } = target
    const call = async (signal: AbortSignal): Promise<CallEnd<HttpAnswer | { readonly thrown: unknown }>> => {
      try {
        const answer = await exchange(target, this.#client(), message, signal)
        const pauseMs = isBusy(answer) ? this.#retryAfter(answer) : null
        return { value: answer, outcome: answer.status >= 500 ? 'failed' : 'answered', pauseMs }
      } catch (thrown) {
        return { value: { thrown }, outcome: signal.aborted ? 'unknown' : 'failed', pauseMs: null }
      }
    }
    const said =
      service === null ? (await call(stops.hard)).value : await host.gate.told(service, () => this.#client(), call)
    if ('thrown' in said) throw this.#connectionFailed(message, said.thrown)
    return this.#judge(message, said)
  }

  #retryAfter(answer: HttpAnswer): number | null {
    return retryAfterMs(answer.headers['retry-after'], this.#clock.now(), this.#options.target.retryAfterMs)
  }

  #judge(message: HttpMessage, answer: HttpAnswer): Busy | null {
    const { target } = this.#options
    const { status } = answer
    const taken = status >= 200 && status < 300
    if (target.success === null ? taken : target.success(answer)) return null
    if (isBusy(answer)) {
      const waitMs = this.#retryAfter(answer)
      if (waitMs !== null) return { waitMs }
    }
    const found = `found ${String(status)}${answer.body === '' ? '' : `: ${this.#shown(answer.body)}`}`
    const said = `${target.method} ${shownUrl(message.url)}: expected ${target.success === null ? 'a status from 200 to 299' : 'an answer that success() takes'}, ${found}`
    if (status >= 500 || PASSING.has(status)) {
      throw new BatchwrightError({
        code: 'HTTP_FAILED',
        message: said,
        hint: 'The other side failed. `batchwright retry RUN` goes on when it does not.',
        details: { status },
        retryable: true,
      })
    }
    throw new Refused({
      code: 'HTTP_REFUSED',
      message: said,
      hint: 'See the record with `batchwright dead-letters RUN`; mend it, or reject it in process.',
      details: { status },
    })
  }

  #shown(body: string): string {
    const text = this.#options.host.redactor.text(body)
    return text.length > SHOWN_BODY ? `${text.slice(0, SHOWN_BODY)}...` : text
  }

  #connectionFailed(message: HttpMessage, thrown: unknown): unknown {
    const { stops, target } = this.#options
    if (stops.hard.aborted) return stops.hard.reason
    if (thrown instanceof BatchwrightError) return thrown
    return new BatchwrightError({
      code: 'HTTP_FAILED',
      message: `${target.method} ${shownUrl(message.url)}: expected an answer, found none: ${whyOf(thrown)}`,
      hint: 'Look whether the other side can be reached; then `batchwright retry RUN` goes on.',
      retryable: true,
      cause: thrown,
    })
  }

  /** The service, where there is one, is left alone by the whole fleet; else this attempt keeps still, or comes back later. */
  async #beLeftAlone({ waitMs }: Busy): Promise<void> {
    const { target, host, stops, step } = this.#options
    if (target.service !== null && host.line.connected) return
    if (waitMs <= PATIENCE_MS || !host.line.connected) {
      await this.#clock.sleep(waitMs, stops.hard)
      return
    }
    throw host.line.postpone({ waitMs, why: `step ${step}: the address that it sends to asked for patience` })
  }
}

/** Statuses below 500 that pass by themselves. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429])

function isBusy({ status }: HttpAnswer): boolean {
  return status === 429 || status === 503
}

function halvesOf({ records, keys, origins }: Group): readonly Group[] {
  const middle = records.length >>> 1
  return [
    { records: records.slice(0, middle), keys: keys.slice(0, middle), origins: origins.slice(0, middle) },
    { records: records.slice(middle), keys: keys.slice(middle), origins: origins.slice(middle) },
  ]
}

/** What `fetch` throws says little; its cause says what happened. */
function whyOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  return thrown.cause instanceof Error && thrown.cause.message !== '' ? thrown.cause.message : thrown.message
}
