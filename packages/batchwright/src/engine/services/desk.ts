import { ClockOffset } from '../../kernel/clock-offset.ts'
import type { Clock, Timer } from '../../kernel/clock.ts'
import type { Permit, Refusal, ServiceRules, Word } from '../../protocol/index.ts'
import type { Consulted, Store } from '../../store/index.ts'
import type { StoreContact } from '../contact.ts'
import { ServiceLine, type Holder } from './line.ts'

export interface DeskOptions {
  readonly store: Pick<Store, 'consult'>
  readonly contact: StoreContact
  readonly clock: Clock
  /** Resolves when the worker's lease is certain: nothing is granted to one that may be dead. */
  readonly whenCertain: () => Promise<void>
  /** The worker's present name in the store; null while it has none. */
  readonly workerId: () => string | null
}

/** A worker that has no name yet, or none any more, will have one soon. */
const NAMELESS_MS = 100
const LONGEST_LEAD_MS = 200

/**
 * Where all slots of a worker ask for permits of services. It talks with the store for all of them together: one call at a
 * time, in which what came of calls is told and the next are asked for.
 */
export class ServiceDesk {
  readonly #options: DeskOptions
  readonly #lines = new Map<string, ServiceLine>()
  readonly #store = new ClockOffset()
  #permits = 0
  #busy = false
  #wanted = false
  #timer: { readonly at: number; readonly timer: Timer } | null = null
  #talkedAt = 0
  /** What a talk usually takes, milliseconds. */
  #usuallyMs = 0
  #knownAs: string | null = null
  #closed = false

  constructor(options: DeskOptions) {
    this.#options = options
  }

  /** A permit when it can be had; a refusal where that would take long. Rejects when the store fails for good. */
  permit(holder: Holder, rules: ServiceRules): Promise<Permit | Refusal> {
    return this.#line(rules).permit(holder)
  }

  /** What a slot says of a call, or of a probe. */
  said(word: Word): void {
    if (word.say === 'call') this.#lines.get(word.service)?.ended(word)
    else this.#line(word.rules).read(word.reading)
  }

  /** An attempt has ended. */
  leave(holder: Holder): void {
    for (const line of this.#lines.values()) line.leave(holder)
  }

  close(): void {
    this.#closed = true
    this.#timer?.timer.stop()
  }

  #line(rules: ServiceRules): ServiceLine {
    let line = this.#lines.get(rules.service)
    if (line === undefined) {
      line = new ServiceLine(rules, {
        clock: this.#options.clock,
        nextPermit: () => (this.#permits += 1),
        askWithin: (ms) => {
          this.#askWithin(ms)
        },
      })
      this.#lines.set(rules.service, line)
    }
    line.rules = rules
    return line
  }

  #askWithin(ms: number): void {
    if (this.#closed) return
    const { clock } = this.#options
    const at = clock.monotonic() + ms
    if (this.#busy) {
      this.#wanted ||= ms === 0
      if (ms === 0) return
    }
    if (this.#timer !== null) {
      if (this.#timer.at <= at) return
      this.#timer.timer.stop()
    }
    const timer = clock.after(
      ms,
      () => {
        this.#timer = null
        this.#talk()
      },
      { hold: true },
    )
    this.#timer = { at, timer }
  }

  #talk(): void {
    if (this.#busy) {
      this.#wanted = true
      return
    }
    this.#busy = true
    this.#wanted = false
    this.#talkOnce()
      .catch((thrown: unknown) => {
        for (const line of this.#lines.values()) line.fail(thrown)
      })
      .finally(() => {
        this.#busy = false
        if (this.#wanted) this.#askWithin(0)
      })
  }

  async #talkOnce(): Promise<void> {
    const { store, contact, clock, whenCertain } = this.#options
    await whenCertain()
    const workerId = this.#options.workerId()
    if (workerId === null) {
      this.#askWithin(NAMELESS_MS)
      return
    }
    if (this.#knownAs !== workerId) {
      for (const line of this.#lines.values()) line.forget()
      this.#knownAs = workerId
    }
    const elapsedMs = clock.monotonic() - this.#talkedAt
    this.#talkedAt = clock.monotonic()
    const lead = Math.min(LONGEST_LEAD_MS, this.#usuallyMs)
    const asked = [...this.#lines.values()].flatMap((line) => {
      const item = line.consultation(lead, elapsedMs)
      return item === null ? [] : [{ line, item }]
    })
    if (asked.length === 0) return
    const consulted = await contact.call(async () => {
      const sent = clock.monotonic()
      const answer = await store.consult(
        workerId,
        asked.map(({ item }) => item),
      )
      this.#learn(answer, sent)
      return answer
    })
    for (const [place, { line }] of asked.entries()) {
      const answer = consulted.answers[place]
      if (answer === undefined) continue
      const windows = answer.slots.flatMap((slot) => {
        const here = this.#store.surelyWithin(slot, slot + answer.validMs)
        return here === null ? [] : [here]
      })
      line.answered(answer, windows)
    }
  }

  /** The store's clock is told in whole milliseconds: the present one has begun, and is not over. */
  #learn({ now }: Consulted, sent: number): void {
    const received = this.#options.clock.monotonic()
    this.#usuallyMs = this.#usuallyMs === 0 ? received - sent : this.#usuallyMs * 0.8 + (received - sent) * 0.2
    this.#store.learn({ sent, heard: now + 1, said: now, received })
  }
}
