import type { JsonValue } from '../../kernel/errors.ts'

/** One row of the outbox: something that happened, written in the transaction that made it happen. */
export interface StoreEvent {
  readonly sequence: number
  /** Store's clock, milliseconds since the epoch. */
  readonly at: number
  readonly runId: string | null
  readonly step: string | null
  /** `run.created`, `run.failed`, `step.running`, `tasks.succeeded` (grouped), `task.retried`, `worker.dead`, ... */
  readonly type: string
  readonly data: Readonly<Record<string, JsonValue>>
}

/** How often something was decided: a type of event with a step, a code or reason, and a second word on why. */
export interface EventCount {
  readonly type: string
  readonly step: string | null
  readonly code: string | null
  readonly reason: string | null
  readonly why: string | null
  readonly count: number
  /** Tasks in them. */
  readonly tasks: number
  readonly firstAt: number
  readonly lastAt: number
  /** Of retries: the sum of their waits. */
  readonly delayMs: number
}
