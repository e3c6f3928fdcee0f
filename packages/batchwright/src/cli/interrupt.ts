/** Ctrl-C and SIGTERM: the first asks to stop at the next commit, the second ends the process at once. */
import { EXIT } from './failure.ts'

export interface Interrupts {
  /** Aborted at the first signal. */
  readonly signal: AbortSignal
  /** Gives the signals back to whoever had them. */
  release(): void
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Listens for interrupts. `onFirst` is told which signal it was, once. */
export function listenForInterrupts(onFirst: (signal: string) => void): Interrupts {
  const controller = new AbortController()
  const listener = (signal: string): void => {
    if (controller.signal.aborted) {
      // Asked twice: what was committed is safe, the rest will be done again.
      process.exit(EXIT.interrupted)
    }
    controller.abort()
    onFirst(signal)
  }
  for (const signal of SIGNALS) process.on(signal, listener)
  return {
    signal: controller.signal,
    release: () => {
      for (const signal of SIGNALS) process.off(signal, listener)
    },
  }
}
