import { systemClock } from '../../kernel/clock.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { Answer, AttemptPort, Question, Refusal, StopReason, Word } from '../../protocol/index.ts'
import { AttemptStopped } from '../stop.ts'

/** The attempt that a slot runs now, as its services and effects see it. */
interface Present {
  readonly port: AttemptPort
  /** Aborted when the fleet has refused it something. */
  readonly postponed: AbortController
  /** Aborted when nothing of it counts any more: what it has under way outside may as well be broken off. */
  readonly cut: AbortController
  /** Effects that are under way. */
  readonly effects: Set<Promise<unknown>>
  refusal: Refusal | null
}

/** An attempt's time on the line. */
export interface Turn {
  /** Aborted when the attempt is to stop: by its port, or because the fleet refused it something. */
  readonly signal: AbortSignal
  /** The attempt is over. Answers with what it was refused; null where it was not. */
  readonly end: () => Refusal | null
  /** Resolves when effects that are under way have come to an end, or after a while. */
  readonly settled: () => Promise<void>
}

const CUTTING: ReadonlySet<unknown> = new Set<StopReason>(['cancelled', 'timeout', 'lost'])
/** Effects that take longer to end are in doubt. */
const SETTLE_MS = 30_000

/**
 * What a slot asks of the fleet, through the port of the attempt that runs in it. Clients of services outlive attempts:
 * they ask over the line, whoever's turn it is. In a place without a fleet (dry runs, tests of steps) nobody is asked.
 */
export class FleetLine {
  #present: Present | null = null
  #next: PromiseWithResolvers<undefined> | null = null

  begin(port: AttemptPort): Turn {
    const present: Present = {
      port,
      postponed: new AbortController(),
      cut: new AbortController(),
      effects: new Set(),
      refusal: null,
    }
    const heard = (): void => {
      const reason: unknown = port.signal.reason
      const stop: unknown = typeof reason === 'object' && reason !== null ? Reflect.get(reason, 'stop') : undefined
      if (stop === undefined || CUTTING.has(stop)) present.cut.abort(reason)
    }
    if (port.signal.aborted) heard()
    else port.signal.addEventListener('abort', heard, { once: true })
    this.#present = present
    this.#next?.resolve(undefined)
    this.#next = Promise.withResolvers<undefined>()
    return {
      signal: AbortSignal.any([port.signal, present.postponed.signal]),
      end: () => {
        port.signal.removeEventListener('abort', heard)
        if (this.#present === present) this.#present = null
        return present.refusal
      },
      settled: () => settled(present),
    }
  }

  /** Whether there has ever been somebody to ask. */
  get connected(): boolean {
    return this.#next !== null
  }

  /**
   * Resolves when an attempt runs in the slot: what a client does between two waits for the second. `cut` is for what is under
   * way, `stopped` for what has not begun.
   */
  async attempt(): Promise<{ readonly cut: AbortSignal; readonly stopped: AbortSignal }> {
    while (this.#present === null) {
      if (this.#next === null) throw new TypeError('there is no fleet here')
      await this.#next.promise
    }
    const { cut, postponed } = this.#present
    return { cut: cut.signal, stopped: AbortSignal.any([cut.signal, postponed.signal]) }
  }

  ask(question: Question): Promise<Answer> {
    if (this.#present === null) return Promise.reject(new AttemptStopped('lost'))
    return this.#present.port.ask(question)
  }

  tell(word: Word): void {
    this.#present?.port.tell(word)
  }

  /** An effect is under way until the promise is settled. */
  underWay(effect: Promise<unknown>): void {
    const effects = this.#present?.effects
    if (effects === undefined) return
    effects.add(effect)
    const over = (): void => {
      effects.delete(effect)
    }
    effect.then(over, over)
  }

  /** The attempt cannot go on for some time: it ends at its last commit, and is given back. Returns what its code is to be thrown. */
  postpone(refusal: Refusal): AttemptStopped {
    const stopped = new AttemptStopped('postponed')
    if (this.#present !== null) {
      this.#present.refusal ??= refusal
      this.#present.postponed.abort(stopped)
    }
    return stopped
  }
}

async function settled({ effects, cut }: Present): Promise<void> {
  if (effects.size === 0) return
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const enough = (): void => {
    resolve(undefined)
  }
  // Real time: what is waited for is out in the world.
  const limit = systemClock.after(SETTLE_MS, enough, { hold: true })
  cut.signal.addEventListener('abort', enough, { once: true })
  while (effects.size > 0 && !cut.signal.aborted) {
    const all = Promise.allSettled([...effects])
    if ((await Promise.race([all, promise])) === undefined) break
  }
  limit.stop()
  cut.signal.removeEventListener('abort', enough)
}

/** An answer that is none to the question. */
export function otherAnswer(question: Question['ask'], answer: Answer): BatchwrightError {
  return new BatchwrightError({
    code: 'STORE_INCONSISTENT',
    message: `expected an answer to ${question}, found ${answer.answer}`,
  })
}
