import type { Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/random.ts'
import type { Store } from '../../store/index.ts'

/**
 * Something that one process at a time does for the whole fleet: clean up, ask for splits, delete what is old. The
 * coordinator calls `pass` again and again while it leads.
 *
 * Leading only saves work. For a moment two processes may both believe that they lead (one was stopped, its lease ran out, it
 * wakes), so a pass must be harmless when another process makes the same one: what it changes, it changes by verbs that look
 * at the state they change.
 */
export interface Duty {
  /** For logs: `retention`, `splits`. */
  readonly name: string
  /** From the end of one pass to the beginning of the next, milliseconds. */
  readonly everyMs: number
  /**
   * One pass. Answers with what it did, as counts by name: those above 0 are told. May reject: that is told too, and the next
   * pass comes at its time. Should end soon after `signal` is aborted.
   */
  pass(context: DutyContext): Promise<DutyCounts>
}

export interface DutyContext {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  /** Aborted when the process does not lead any more, or is told to stop. */
  readonly signal: AbortSignal
}

export type DutyCounts = Readonly<Record<string, number>>
