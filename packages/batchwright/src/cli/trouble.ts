/** What is said while a run waits for its store: once, with what to do, and again only when something is new. */
import type { BatchwrightError } from '../kernel/errors.ts'
import type { Clock } from '../kernel/clock.ts'
import { toldHint } from './hint.ts'
import { duration } from './render/text.ts'

export interface TroubleTeller {
  /** For each try that failed. */
  failed(error: BatchwrightError): void
}

/** Between two lines about the same trouble. */
const REMIND_MS = 60_000
/** A store that is busy for a moment is none of the user's business. */
const PATIENCE_MS = 2_000
/** Tries that follow one another within this time are the same trouble. */
const SAME_TROUBLE_MS = 10_000

export function tellTrouble(say: (lines: readonly string[]) => void, clock: Clock): TroubleTeller {
  let code: string | null = null
  let since = 0
  let lastTry = 0
  let told: number | null = null
  return {
    failed: (error) => {
      const now = clock.monotonic()
      if (error.code !== code || now - lastTry > SAME_TROUBLE_MS) {
        code = error.code
        since = now
        told = null
      }
      lastTry = now
      const patience = error.code === 'STORE_BUSY' ? PATIENCE_MS : 0
      if (now - since < patience || (told !== null && now - told < REMIND_MS)) return
      const again = told !== null
      told = now
      say(again ? [`still waiting after ${duration(now - since)}: ${error.message}`] : firstLines(error))
    },
  }
}

function firstLines(error: BatchwrightError): readonly string[] {
  return [
    `waiting for the store: ${error.message}`,
    ...(error.hint === undefined ? [] : [`  hint  ${toldHint(error.hint)}`]),
    '  The run goes on by itself as soon as the store can be written; Ctrl-C is safe too.',
  ]
}
