import type { RunningAttempt, SiblingTime, Store } from '../../store/index.ts'
import type { Duty, DutyCounts } from '../coordinator/duty.ts'
import { chooseSplits, mayBeCopied, whyCopy, type StragglerRules } from './decide.ts'

export interface StragglerOptions extends Partial<StragglerRules> {
  /** Only these runs; absent for all. */
  readonly runs?: readonly string[]
  /** Slots that have nothing to do; default: those of all workers, as the store knows them. */
  readonly idle?: () => number
  /** From one pass to the next, milliseconds; default 500. */
  readonly everyMs?: number
  /** An attempt younger than this is left alone, milliseconds; default 1,000. */
  readonly leastRunningMs?: number
}

const EVERY_MS = 500
const RULES: StragglerRules = { leastPieceMs: 1_000, stalledMs: 5_000 }
const LEAST_RUNNING_MS = 1_000

type StragglerStore = Pick<Store, 'idleSlots' | 'listRunning' | 'siblingTimes' | 'askSplit' | 'askCopy'>

/**
 * Looks after stragglers: where slots have been idle for two passes in a row, so that nothing can be claimed by them, attempts
 * with much left are asked to cut their partitions, and those that are slower than their step allows get a copy. What is
 * decided is asked of the store, which refuses what does not fit any more: two processes may do this at once.
 */
export function stragglers(options: StragglerOptions = {}): Duty {
  const rules: StragglerRules = { ...RULES, ...options }
  let idleBefore = 0
  return {
    name: 'stragglers',
    everyMs: options.everyMs ?? EVERY_MS,
    pass: async ({ store }) => {
      const idleNow = options.idle?.() ?? (await store.idleSlots())
      const idle = Math.min(idleBefore, idleNow)
      idleBefore = idleNow
      if (idle === 0) return {}
      const running = await store.listRunning({
        minMs: options.leastRunningMs ?? LEAST_RUNNING_MS,
        ...(options.runs === undefined ? {} : { runs: options.runs }),
      })
      const copies = await copy(store, running, idle, rules)
      const splits = await split(store, running, idle - copies, rules)
      return { copies, splits } satisfies DutyCounts
    },
  }
}

async function copy(
  store: StragglerStore,
  running: readonly RunningAttempt[],
  idle: number,
  rules: StragglerRules,
): Promise<number> {
  const times = new Map<string, readonly SiblingTime[]>()
  let asked = 0
  for (const attempt of running) {
    if (asked === idle) break
    if (!mayBeCopied(attempt, rules)) continue
    const step = JSON.stringify([attempt.runId, attempt.step])
    const siblings = times.get(step) ?? (await store.siblingTimes(attempt.runId, attempt.step))
    times.set(step, siblings)
    const why = whyCopy(attempt, siblings, rules)
    if (why !== null && (await store.askCopy(attempt, why)) === 'asked') asked += 1
  }
  return asked
}

async function split(
  store: StragglerStore,
  running: readonly RunningAttempt[],
  idle: number,
  rules: StragglerRules,
): Promise<number> {
  let asked = 0
  for (const { attempt, pieces } of chooseSplits(running, idle, rules)) {
    if ((await store.askSplit(attempt, pieces)) === 'asked') asked += 1
  }
  return asked
}
