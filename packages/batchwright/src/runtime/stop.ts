import { abortReason } from '../kernel/clock.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import type { StopReason } from '../protocol/index.ts'

/** Why an attempt ends where it stands. `postponed`: what it needs of the fleet cannot be had for some time. */
export type HardStop = StopReason | 'postponed'

/** Asked to stop in a way that leaves nothing to save: the attempt ends here, and its files are the cleaner's. */
export class AttemptStopped extends BatchwrightError {
  override readonly name = 'AttemptStopped'
  readonly stop: HardStop

  constructor(stop: HardStop) {
    super({
      code:
        stop === 'timeout'
          ? 'ATTEMPT_TIMEOUT'
          : stop === 'cancelled'
            ? 'ATTEMPT_CANCELLED'
            : stop === 'postponed'
              ? 'ATTEMPT_POSTPONED'
              : 'ATTEMPT_LOST',
      message: stop === 'timeout' ? 'the attempt took longer than its time-out' : `the attempt was stopped: ${stop}`,
      retryable: stop === 'timeout',
      ...(stop === 'timeout' ? { hint: 'Raise timeout on the step, or make its partitions smaller.' } : {}),
    })
    this.stop = stop
  }
}

const GENTLE: ReadonlySet<string> = new Set<StopReason>(['paused', 'preempted'])
const HARD: ReadonlySet<string> = new Set<HardStop>(['cancelled', 'timeout', 'lost', 'postponed'])

function isStopReason(value: unknown): value is HardStop {
  return typeof value === 'string' && (GENTLE.has(value) || HARD.has(value))
}

/** Why a port's signal was aborted; `lost` where it does not say. */
function reasonOf(signal: AbortSignal): HardStop {
  const reason = abortReason(signal)
  return 'stop' in reason && isStopReason(reason.stop) ? reason.stop : 'lost'
}

/**
 * The two ways in which an attempt is asked to stop. Gently (paused, preempted): commit, then give back. Hard (cancelled,
 * timed out, lost): drop everything; user code that waits sees `hard` aborted.
 */
export class Stops {
  readonly #signal: AbortSignal
  readonly #hard = new AbortController()

  constructor(signal: AbortSignal) {
    this.#signal = signal
    if (signal.aborted) this.#heard()
    else signal.addEventListener('abort', this.#heard, { once: true })
  }

  readonly #heard = (): void => {
    const reason = reasonOf(this.#signal)
    if (!GENTLE.has(reason)) this.#hard.abort(new AttemptStopped(reason))
  }

  /** Aborted with an AttemptStopped when there is nothing left to save. */
  get hard(): AbortSignal {
    return this.#hard.signal
  }

  /** True where the attempt should commit and give back. Throws AttemptStopped for a hard stop. */
  asked(): boolean {
    if (!this.#signal.aborted) return false
    this.#hard.signal.throwIfAborted()
    return true
  }

  /** Waits for `work`, but not beyond a hard stop. */
  async unless<Value>(work: PromiseLike<Value>): Promise<Value> {
    const signal = this.#hard.signal
    if (signal.aborted) {
      // It is awaited no more; its failure must not pass for one that nobody has handled.
      work.then(undefined, () => undefined)
      throw abortReason(signal)
    }
    const { promise, reject } = Promise.withResolvers<never>()
    const onAbort = (): void => {
      reject(abortReason(signal))
    }
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await Promise.race([work, promise])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Lets go of the port's signal. */
  release(): void {
    this.#signal.removeEventListener('abort', this.#heard)
  }
}
