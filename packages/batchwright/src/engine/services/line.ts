import type { Clock, Timer } from '../../kernel/clock.ts'
import type { Permit, ProbeReading, Refusal, ServiceRules, Word } from '../../protocol/index.ts'
import type { Consultation, ServiceAnswer } from '../../store/index.ts'

/** Whoever asks: an attempt. What it has goes back when it leaves. */
export type Holder = object

/** A wait that is longer is no wait for a slot to sit through: the task is given back until then. */
const PATIENCE_MS = 2_000
/** How often one asks again for places that others hold, and for the call that tries a broken service. */
const POLL_MS = 100
/** A call that ended may be told with others; a failed one sooner. */
const REPORT_MS = 250
const REPORT_FAILURE_MS = 50
/** Slots are taken from the store this far ahead of their time. What a worker dies with is lost to the others. */
const HORIZON_MS = 1_000
/** Slots kept in stock for calls that have not asked yet, at high rates: what this many milliseconds use up. */
const STOCK_MS = 50
/** A slot that ends sooner would be over before its call has left. */
const LEAST_LEFT_MS = 2

interface Waiting {
  readonly holder: Holder
  readonly since: number
  readonly resolve: (answer: Permit | Refusal) => void
  readonly reject: (thrown: unknown) => void
}

interface Window {
  readonly from: number
  readonly until: number
}

interface UnderWay {
  readonly holder: Holder
  /** The one call that decides about a half-open breaker. */
  readonly trial: boolean
}

interface Known {
  readonly state: 'closed' | 'open' | 'half-open'
  readonly until: number
  readonly why: string | null
}

const CLOSED: Known = { state: 'closed', until: Number.NEGATIVE_INFINITY, why: null }

/** What a line asks of the desk around it. */
export interface LineOptions {
  readonly clock: Clock
  readonly nextPermit: () => number
  /** Asks for a talk with the store, in `ms` at the latest. */
  readonly askWithin: (ms: number) => void
}

/**
 * One service as one worker sees it: who waits for a permit, which calls are under way, what the store has granted. All times
 * are of this thread's monotonic clock.
 */
export class ServiceLine {
  rules: ServiceRules
  readonly #options: LineOptions
  readonly #underWay = new Map<number, UnderWay>()
  #waiting: Waiting[] = []
  #stock: Window[] = []
  /** Places that the worker holds; null before it was told. */
  #held: number | null = null
  /** While the store is asked: places that it was told of as used. */
  #frozen: number | null = null
  #pressed = false
  #breaker: Known = CLOSED
  #trial: 'none' | 'mine' | 'made' = 'none'
  #pausedUntil = Number.NEGATIVE_INFINITY
  #slotsFrom = Number.NEGATIVE_INFINITY
  #knownAt: number | null = null
  #granted = 0
  #calls = { answered: 0, failed: 0 }
  #trialOutcome: Consultation['trial'] = null
  #pauseMs: number | null = null
  #reading: ProbeReading | null | undefined = undefined
  #probe = false
  #timer: Timer | null = null

  constructor(rules: ServiceRules, options: LineOptions) {
    this.rules = rules
    this.#options = options
  }

  permit(holder: Holder): Promise<Permit | Refusal> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ holder, since: this.#now(), resolve, reject })
      this.pump()
    })
  }

  /** A call has ended, or never left. */
  ended(word: Extract<Word, { say: 'call' }>): void {
    const call = this.#underWay.get(word.permit)
    if (call === undefined) return
    this.#underWay.delete(word.permit)
    if (word.pauseMs !== null) {
      this.#pauseMs = Math.max(this.#pauseMs ?? 0, word.pauseMs)
      this.#pausedUntil = Math.max(this.#pausedUntil, this.#now() + word.pauseMs)
      this.#options.askWithin(0)
    }
    if (call.trial) {
      this.#trialOutcome = word.outcome
      this.#options.askWithin(0)
    } else if (word.outcome !== 'unknown' && this.rules.breaker !== null) {
      this.#calls[word.outcome] += 1
      this.#options.askWithin(word.outcome === 'failed' ? REPORT_FAILURE_MS : REPORT_MS)
    } else if (this.rules.concurrency !== null) this.#options.askWithin(REPORT_MS)
    this.pump()
  }

  read(reading: ProbeReading | null): void {
    this.#reading = reading
    this.#options.askWithin(0)
  }

  /** An attempt has ended: what it had under way has too, as far as anybody will ever know. */
  leave(holder: Holder): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.holder !== holder)
    for (const [permit, call] of this.#underWay) {
      if (call.holder !== holder) continue
      this.ended({ say: 'call', service: this.rules.service, permit, outcome: 'unknown', pauseMs: null })
    }
  }

  /** Nothing that was granted holds any more: the worker has another name in the store. */
  forget(): void {
    this.#stock = []
    this.#held = null
    this.#frozen = null
    this.#trial = 'none'
    this.#trialOutcome = null
    this.#knownAt = null
  }

  fail(thrown: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(thrown)
  }

  /** What the worker says and asks of the store now; null where there is nothing. */
  consultation(leadMs: number, elapsedMs: number): Consultation | null {
    const { concurrency, rate } = this.rules
    const waiting = this.#waiting.length
    const idle = waiting === 0 && this.#underWay.size === 0
    const says =
      this.#calls.answered + this.#calls.failed > 0 ||
      this.#trialOutcome !== null ||
      this.#pauseMs !== null ||
      this.#reading !== undefined ||
      (concurrency !== null && this.#held !== null && this.#held > 0 && idle) ||
      (this.#pressed && this.#held !== null && this.#held > this.#underWay.size)
    if (waiting === 0 && !says) return null
    const room = concurrency === null || this.#held === null ? waiting : Math.min(waiting, this.#room())
    const using = this.#underWay.size + (this.#pressed || concurrency === null ? 0 : Math.max(0, room))
    const calls = this.#calls
    const consultation: Consultation = {
      rules: this.rules,
      calls,
      trial: this.#trialOutcome,
      wantsTrial: waiting > 0 && this.#breaker.state !== 'closed',
      pauseMs: this.#pauseMs,
      slots: rate === null || this.#isShut() ? 0 : this.#slotsWanted(room, elapsedMs),
      leadMs,
      horizonMs: HORIZON_MS,
      using: Math.min(using, this.#held ?? 0),
      wanted: this.#underWay.size + waiting,
      reading: this.#reading,
    }
    this.#frozen = concurrency === null ? null : consultation.using
    this.#calls = { answered: 0, failed: 0 }
    if (this.#trialOutcome !== null) this.#trial = 'none'
    this.#trialOutcome = null
    this.#pauseMs = null
    this.#reading = undefined
    this.#granted = 0
    return consultation
  }

  /** Takes what the store answered. `windows`: its slots, as they surely are here. */
  answered(answer: ServiceAnswer, windows: readonly Window[]): void {
    const now = this.#now()
    this.#knownAt = now
    this.#held = answer.held
    this.#frozen = null
    this.#pressed = answer.pressed
    this.#pausedUntil = answer.pausedMs > 0 ? now + answer.pausedMs : Number.NEGATIVE_INFINITY
    this.#slotsFrom = now + answer.nextMs
    this.#breaker = { state: answer.breaker.state, until: now + answer.breaker.forMs, why: answer.breaker.why }
    if (answer.breaker.trial) this.#trial = 'mine'
    else if (answer.breaker.state !== 'half-open') this.#trial = 'none'
    this.#stock.push(...windows)
    this.#probe ||= answer.probe
    this.pump()
  }

  /** Lets go whom it can, refuses whom it must, and asks for what is missing. */
  pump(): void {
    this.#timer?.stop()
    this.#timer = null
    while (this.#waiting.length > 0) {
      const shut = this.#shut()
      if (shut !== null) {
        this.#waitFor(shut.forMs, shut.why)
        return
      }
      if (this.#knownAt === null) {
        this.#options.askWithin(0)
        return
      }
      if (this.#breaker.state === 'half-open' && this.#trial !== 'mine') {
        this.#waitFor(this.#trial === 'made' ? POLL_MS : POLL_MS, 'it is being tried again', true)
        return
      }
      if (this.#room() <= 0) {
        this.#options.askWithin(this.#held === null ? 0 : POLL_MS)
        return
      }
      const leaves = this.rules.rate === null ? null : this.#fromStock()
      if (leaves === undefined) {
        const wait = this.#slotsFrom - this.#now()
        if (wait > PATIENCE_MS) this.#waitFor(wait, 'its rate allows no call before then')
        else this.#options.askWithin(Math.max(0, wait))
        return
      }
      this.#let(leaves)
    }
  }

  #let(leaves: Window | null): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) return
    const permit = this.#options.nextPermit()
    const trial = this.#breaker.state === 'half-open'
    if (trial) this.#trial = 'made'
    this.#underWay.set(permit, { holder: waiting.holder, trial })
    this.#granted += 1
    const probe = this.#probe
    this.#probe = false
    waiting.resolve({ permit, leaves, heardAt: waiting.since, saidAt: this.#now(), probe })
  }

  /** Places for calls that are free now. */
  #room(): number {
    if (this.rules.concurrency === null) return Number.MAX_SAFE_INTEGER
    return (this.#frozen ?? this.#held ?? 0) - this.#underWay.size
  }

  #isShut(): boolean {
    return this.#shut() !== null
  }

  #shut(): { readonly forMs: number; readonly why: string } | null {
    const now = this.#now()
    if (this.#pausedUntil > now) return { forMs: this.#pausedUntil - now, why: 'it asked to be left alone' }
    if (this.#breaker.state !== 'open' || this.#breaker.until <= now) return null
    return { forMs: this.#breaker.until - now, why: `its breaker is open (${this.#breaker.why ?? 'it failed'})` }
  }

  /** A short wait is sat through; of a long one everybody is told. */
  #waitFor(ms: number, why: string, untilHeard = false): void {
    const now = this.#now()
    const refused = this.#waiting.filter(({ since }) => ms > PATIENCE_MS || now - since > PATIENCE_MS)
    if (refused.length > 0) {
      this.#waiting = this.#waiting.filter((waiting) => !refused.includes(waiting))
      const waitMs = Math.ceil(Math.max(ms, untilHeard ? PATIENCE_MS / 2 : ms))
      for (const { resolve } of refused) resolve({ waitMs, why: `service ${this.rules.service}: ${why}` })
    }
    if (this.#waiting.length === 0) return
    if (untilHeard) this.#options.askWithin(ms)
    else {
      this.#timer = this.#options.clock.after(
        Math.max(1, Math.min(ms, PATIENCE_MS)),
        () => {
          this.#options.askWithin(0)
          this.pump()
        },
        { hold: true },
      )
    }
  }

  #fromStock(): Window | undefined {
    const now = this.#now()
    for (let window = this.#stock.shift(); window !== undefined; window = this.#stock.shift()) {
      if (window.until > now + LEAST_LEFT_MS) return window
    }
    return undefined
  }

  #slotsWanted(room: number, elapsedMs: number): number {
    const now = this.#now()
    this.#stock = this.#stock.filter(({ until }) => until > now + LEAST_LEFT_MS)
    const ahead = elapsedMs > 0 ? Math.floor((this.#granted * STOCK_MS) / Math.max(elapsedMs, STOCK_MS)) : 0
    return Math.max(0, room + ahead - this.#stock.length)
  }

  #now(): number {
    return this.#options.clock.monotonic()
  }
}
