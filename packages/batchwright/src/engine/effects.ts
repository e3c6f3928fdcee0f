import type { Clock } from '../kernel/clock.ts'
import type { EffectEnd, EffectIntent, EffectVerdict } from '../protocol/index.ts'
import type { ItemOutcome, Store, TaskLease } from '../store/index.ts'
import type { StoreContact } from './contact.ts'
import { CommitGroup } from './group.ts'

/** Messages of slots, each with up to some hundred effects. */
const GROUP_LIMIT = 50

export interface EffectsOptions {
  readonly store: Pick<Store, 'intendEffects' | 'settleEffects'>
  readonly contact: StoreContact
  readonly clock: Clock
  readonly whenCertain: () => Promise<void>
}

type Intended = { readonly verdicts: readonly EffectVerdict[] | null }

/** Effects of all slots of a worker, gathered into groups: one store call for many. */
export class Effects {
  readonly #intents: CommitGroup<TaskLease & { readonly effects: readonly EffectIntent[] }, Intended>
  readonly #ends: CommitGroup<TaskLease & { readonly effects: readonly EffectEnd[] }, ItemOutcome>

  constructor({ store, contact, whenCertain }: EffectsOptions) {
    this.#intents = new CommitGroup({
      commit: async (items) => {
        await whenCertain()
        const answers = await contact.call(() => store.intendEffects(items))
        return answers.map((verdicts) => ({ verdicts }))
      },
      limit: GROUP_LIMIT,
      calls: 1,
    })
    // What has happened is recorded whether the lease is certain or not: the intent says whose word counts.
    this.#ends = new CommitGroup({
      commit: (items) => contact.call(() => store.settleEffects(items)),
      limit: GROUP_LIMIT,
      calls: 1,
    })
  }

  /** Null where the lease did not hold. */
  async intend(
    { taskId, fence }: TaskLease,
    effects: readonly EffectIntent[],
  ): Promise<readonly EffectVerdict[] | null> {
    return (await this.#intents.add({ taskId, fence, effects })).verdicts
  }

  settle({ taskId, fence }: TaskLease, effects: readonly EffectEnd[]): Promise<ItemOutcome> {
    return this.#ends.add({ taskId, fence, effects })
  }
}
