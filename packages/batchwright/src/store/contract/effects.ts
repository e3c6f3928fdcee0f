import type { JsonValue } from '../../kernel/errors.ts'
import type { EffectEnd, EffectIntent, EffectName, EffectVerdict } from '../../protocol/index.ts'
import type { ItemOutcome, TaskLease } from './tasks.ts'

/** Effects outside that happen at most once for a key. */
export interface EffectVerbs {
  /**
   * Records, under each task's lease, what its attempt is about to do, and says for each whether it is to be done. An intent
   * without an outcome whose attempt has lost its lease is in doubt, and follows the policy of whoever asks now. Asked again
   * by the same attempt it answers the same. Null where the lease did not hold.
   */
  intendEffects(
    items: readonly (TaskLease & { readonly effects: readonly EffectIntent[] })[],
  ): Promise<readonly (readonly EffectVerdict[] | null)[]>
  /**
   * Records what came of effects. An outcome counts from whoever has the intent, even where the task is another's by now: what
   * has happened has happened. `fenced` where somebody else has taken one of the intents over.
   */
  settleEffects(
    items: readonly (TaskLease & { readonly effects: readonly EffectEnd[] })[],
  ): Promise<readonly ItemOutcome[]>
  /**
   * A person's word on an effect in doubt: it took place (with this outcome), or it is to be made again. The task that waits
   * for it becomes due. Refused with EFFECT_UNKNOWN where there is none, EFFECT_SETTLED where it is not in doubt.
   */
  answerEffect(name: EffectName, answer: EffectAnswer, by: string): Promise<EffectRow>
  /** Newest first; at most `limit` (default 1000). */
  listEffects(filter: EffectFilter): Promise<readonly EffectRow[]>
}

export type EffectAnswer = { readonly is: 'done'; readonly outcome: JsonValue } | { readonly is: 'again' }

export interface EffectFilter {
  /** Only those that nobody knows the outcome of: asked, doubtful, or intended. */
  readonly open?: boolean
  readonly runId?: string
  readonly key?: string
  readonly limit?: number
}

/**
 * - `intended`: an attempt is at it, or died while it was.
 * - `doubtful`: the attempt does not know whether it took place.
 * - `asked`: a task waits until somebody says.
 * - `again`: somebody said that it is to be made again.
 * - `done`: it has an outcome.
 */
export type EffectState = 'intended' | 'doubtful' | 'asked' | 'again' | 'done'

export interface EffectRow extends EffectName {
  readonly state: EffectState
  /** The run and the step of whoever intended it last. */
  readonly runId: string
  readonly step: string
  readonly outcome: JsonValue
  /** `skip` by policy, or who said it; null where the effect itself gave the outcome. */
  readonly settledBy: string | null
  /** Store's clock, milliseconds since the epoch. */
  readonly intendedAt: number
  readonly settledAt: number | null
}
