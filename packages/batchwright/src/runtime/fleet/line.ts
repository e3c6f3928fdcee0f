import { BatchwrightError } from '../../kernel/errors.ts'
import type { Answer, AttemptPort, Question, Refusal, Word } from '../../protocol/index.ts'
import { AttemptStopped } from '../stop.ts'

/** The attempt that a slot runs now, as its services and effects see it. */
interface Present {
  readonly port: AttemptPort
  readonly stop: AbortController
  readonly signal: AbortSignal
  refusal: Refusal | null
}

/**
 * What a slot asks of the fleet, through the port of the attempt that runs in it. Clients of services outlive attempts:
 * they ask over the line, whoever's turn it is. In a place without a fleet (dry runs, tests of steps) nobody is asked.
 */
export class FleetLine {
  #present: Present | null = null
  #next: PromiseWithResolvers<undefined> | null = null

  /** An attempt begins. Its port's signal, and the aborted one when the fleet refuses it something: the attempt is then given back. */
  begin(port: AttemptPort): { readonly signal: AbortSignal; readonly end: () => Refusal | null } {
    const stop = new AbortController()
    const present: Present = { port, stop, signal: AbortSignal.any([port.signal, stop.signal]), refusal: null }
    this.#present = present
    this.#next?.resolve(undefined)
    this.#next = Promise.withResolvers<undefined>()
    return {
      signal: present.signal,
      end: () => {
        if (this.#present === present) this.#present = null
        return present.refusal
      },
    }
  }

  /** Whether there has ever been somebody to ask. */
  get connected(): boolean {
    return this.#next !== null
  }

  /** Resolves when an attempt runs in the slot, with its signal: what a client does between two waits for the second. */
  async attempt(): Promise<AbortSignal> {
    while (this.#present === null) {
      if (this.#next === null) throw new TypeError('there is no fleet here')
      await this.#next.promise
    }
    return this.#present.signal
  }

  ask(question: Question): Promise<Answer> {
    if (this.#present === null) return Promise.reject(new AttemptStopped('lost'))
    return this.#present.port.ask(question)
  }

  tell(word: Word): void {
    this.#present?.port.tell(word)
  }

  /** The attempt cannot go on for some time: it ends at its last commit, and is given back. Returns what its code is to be thrown. */
  postpone(refusal: Refusal): AttemptStopped {
    const stopped = new AttemptStopped('postponed')
    if (this.#present !== null) {
      this.#present.refusal ??= refusal
      this.#present.stop.abort(stopped)
    }
    return stopped
  }
}

/** An answer that is none to the question. */
export function otherAnswer(question: Question['ask'], answer: Answer): BatchwrightError {
  return new BatchwrightError({
    code: 'STORE_INCONSISTENT',
    message: `expected an answer to ${question}, found ${answer.answer}`,
  })
}
