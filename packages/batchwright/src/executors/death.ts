import type { ErrorReport, JsonValue } from '../kernel/errors.ts'
import { reportError } from '../kernel/errors.ts'
import type { AttemptEnd } from '../protocol/index.ts'

/** How a slot can die. */
export type DeathCause = 'out-of-memory' | 'process-exit' | 'uncaught-error' | 'terminated'

export interface SlotDeath {
  readonly how: DeathCause
  readonly exitCode: number | null
  /** What ended it: the reason of `terminate`, or the message of the error. */
  readonly why: string
  readonly cause?: unknown
}

const WORDS: Readonly<Record<DeathCause, (death: SlotDeath) => string>> = {
  'out-of-memory': () => 'it ran out of memory',
  'process-exit': (death) => `the step's code called process.exit(${String(death.exitCode ?? '')})`,
  'uncaught-error': (death) => `an error was thrown outside every promise and handler: ${death.why}`,
  terminated: (death) => `it was ended from outside: ${death.why}`,
}

const HINTS: Readonly<Record<DeathCause, string>> = {
  'out-of-memory':
    'Keep less in memory (smaller chunks, partitions or reduce memory), or give slots more: --slot-memory 512MB, or slots.memory in batchwright.config.json; then `batchwright retry RUN` goes on.',
  'process-exit':
    'Throw an error instead: it fails the attempt and keeps its stack. Then `batchwright retry RUN` goes on.',
  'uncaught-error':
    'Await every promise, and handle the error events of what the step opens. Then `batchwright retry RUN` goes on.',
  terminated:
    'Look for an endless loop, or a call that never returns, or give the step a longer timeout; then `batchwright retry RUN` goes on.',
}

/** The end of an attempt whose slot died under it. Another attempt can succeed, so it is retryable. */
export function diedWith(death: SlotDeath): AttemptEnd {
  const details: Record<string, JsonValue> = { how: death.how, why: death.why }
  if (death.exitCode !== null) details['exitCode'] = death.exitCode
  const error: ErrorReport = {
    code: 'SLOT_DIED',
    message: `the slot died under the attempt: ${WORDS[death.how](death)}`,
    hint: HINTS[death.how],
    details,
    retryable: true,
    ...(death.cause === undefined ? {} : { cause: reportError(death.cause) }),
  }
  return { kind: 'failed', error, counters: null }
}

/** The end of an attempt that was handed to a slot which cannot take it. */
export function refusedBy(message: string): AttemptEnd {
  return {
    kind: 'failed',
    error: { code: 'SLOT_UNUSABLE', message, retryable: true },
    counters: null,
  }
}
