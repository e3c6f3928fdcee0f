import type { SlotCallbacks } from '../executors/index.ts'
import type { Answer, Question } from '../protocol/index.ts'
import type { TaskLease } from '../store/index.ts'
import { Effects, type EffectsOptions } from './effects.ts'
import { ServiceDesk, type DeskOptions } from './services/desk.ts'
import type { Holder } from './services/line.ts'

/** An attempt that asks. */
export interface Asker {
  /** Stands for it: what it was granted goes back when it leaves. */
  readonly holder: Holder
  readonly lease: TaskLease
  /** The lease did not hold: stops the attempt, and gives the error that it is answered with. */
  readonly fenced: () => Error
  /** A write that the end of the attempt must wait for. */
  readonly commit: (write: Promise<unknown>) => void
}

/** What running attempts ask of the fleet, answered for all slots of a worker together. */
export class Questions {
  readonly #desk: ServiceDesk
  readonly #effects: Effects

  constructor(options: DeskOptions & EffectsOptions) {
    this.#desk = new ServiceDesk(options)
    this.#effects = new Effects(options)
  }

  callbacks(asker: Asker): Pick<SlotCallbacks, 'ask' | 'tell'> {
    return {
      ask: (question) => {
        const answer = this.#answer(asker, question)
        if (question.ask !== 'permit') asker.commit(answer)
        return answer
      },
      tell: (word) => {
        this.#desk.said(word)
      },
    }
  }

  /** An attempt has ended, however it did. */
  leave(holder: Holder): void {
    this.#desk.leave(holder)
  }

  close(): void {
    this.#desk.close()
  }

  async #answer({ holder, lease, fenced }: Asker, question: Question): Promise<Answer> {
    switch (question.ask) {
      case 'permit': {
        const given = await this.#desk.permit(holder, question.rules)
        return 'permit' in given ? { answer: 'permit', permit: given } : { answer: 'refused', refusal: given }
      }
      case 'intend': {
        const verdicts = await this.#effects.intend(lease, question.effects)
        if (verdicts === null) throw fenced()
        return { answer: 'intended', verdicts }
      }
      case 'settle':
        if ((await this.#effects.settle(lease, question.effects)) === 'fenced') throw fenced()
        return { answer: 'settled' }
    }
  }
}
