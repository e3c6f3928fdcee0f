import type { ErrorReport, JsonValue } from '../kernel/errors.ts'
import { reportError } from '../kernel/errors.ts'
import type { AttemptEnd } from '../protocol/index.ts'

/** How a slot can die. */
export type DeathCause = 'out-of-memory' | 'memory-limit' | 'signal' | 'process-exit' | 'uncaught-error' | 'terminated'

export interface SlotDeath {
  readonly how: DeathCause
  readonly exitCode: number | null
  /** What ended it: the reason of `terminate`, or the message of the error. */
  readonly why: string
  readonly cause?: unknown
  /** For `memory-limit`: what all of its process had been given, and what it had taken when it was ended, bytes. */
  readonly memory?: { readonly limitBytes: number; readonly usedBytes: number }
}

const WORDS: Readonly<Record<DeathCause, (death: SlotDeath) => string>> = {
  'out-of-memory': () => 'it ran out of memory',
  'memory-limit': ({ memory }) =>
    memory === undefined
      ? 'its process took more memory than it was given'
      : `its process may take ${inMb(memory.limitBytes)} and had taken ${inMb(memory.usedBytes)}, still growing`,
  signal: (death) => `its process was ended by ${death.why}`,
  'process-exit': (death) => `the step's code called process.exit(${String(death.exitCode ?? '')})`,
  'uncaught-error': (death) => `an error was thrown outside every promise and handler: ${death.why}`,
  terminated: (death) => `it was ended from outside: ${death.why}`,
}

const HINTS: Readonly<Record<DeathCause, string>> = {
  'out-of-memory':
    'Keep less in memory (smaller chunks, partitions or reduce memory), or give slots more: --slot-memory 512MB, or slots.memory in batchwright.config.json; then `batchwright retry RUN` goes on.',
  'memory-limit':
    "Keep less in memory (buffers and what it starts count too), or give it more: .isolation('process', { memory: '2GiB' }); then `batchwright retry RUN` goes on.",
  signal:
    'SIGSEGV, SIGBUS, SIGILL and SIGABRT come of native code: see what addons the step uses. SIGKILL that nobody sent comes of a system without memory. Then `batchwright retry RUN` goes on.',
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
  if (death.memory !== undefined) Object.assign(details, death.memory)
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

function inMb(bytes: number): string {
  return `${String(Math.round(bytes / 1e6))} MB`
}

/** The end of an attempt that was handed to a slot which cannot take it. */
export function refusedBy(message: string): AttemptEnd {
  return {
    kind: 'failed',
    error: { code: 'SLOT_UNUSABLE', message, retryable: true },
    counters: null,
  }
}
