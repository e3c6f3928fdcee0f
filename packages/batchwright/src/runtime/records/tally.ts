import type { Counters } from '../../protocol/index.ts'

export type Cause = 'rule' | 'contract' | 'error'

/** Counters while they are being counted. `counters()` takes them by value. */
export class Tally {
  read: number
  accepted: number
  written: number
  dropped: number
  bytesRead: number
  retries: number
  readonly #dead: Record<Cause, number>
  readonly #reasons: Map<string, number>
  /** Records of each named output; null where the step names none. */
  #named: Map<string, number> | null
  /** Files of each file output; null where the step has none. */
  #files: Map<string, number> | null

  constructor(from: Counters) {
    this.read = from.read
    this.accepted = from.accepted
    this.written = from.written
    this.dropped = from.dropped
    this.bytesRead = from.bytesRead
    this.retries = from.retries
    this.#dead = { rule: from.deadByRule, contract: from.deadByContract, error: from.deadByError }
    this.#reasons = new Map(Object.entries(from.reasons))
    this.#named = from.named === undefined ? null : new Map(Object.entries(from.named))
    this.#files = from.files === undefined ? null : new Map(Object.entries(from.files))
  }

  /** Files written to a file output. */
  file(output: string, count: number): void {
    this.#files ??= new Map()
    this.#files.set(output, (this.#files.get(output) ?? 0) + count)
  }

  /** Records given to a named output. They count as written, too. */
  give(output: string, records: number): void {
    this.#named ??= new Map()
    this.#named.set(output, (this.#named.get(output) ?? 0) + records)
    this.written += records
  }

  setAside(cause: Cause, reason: string): void {
    this.#dead[cause] += 1
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1)
  }

  /** Dead letters that no rule of the job asked for. */
  get unexpected(): number {
    return this.#dead.contract + this.#dead.error
  }

  withReason(reason: string): number {
    return this.#reasons.get(reason) ?? 0
  }

  /** By value; reasons in code-unit order, so that equal counts are equal JSON. */
  counters(bytesWritten: number): Counters {
    return {
      read: this.read,
      accepted: this.accepted,
      written: this.written,
      ...(this.#named === null ? {} : { named: Object.fromEntries(this.#named) }),
      ...(this.#files === null ? {} : { files: Object.fromEntries(this.#files) }),
      dropped: this.dropped,
      deadByRule: this.#dead.rule,
      deadByContract: this.#dead.contract,
      deadByError: this.#dead.error,
      reasons: Object.fromEntries([...this.#reasons].sort(([a], [b]) => (a < b ? -1 : 1))),
      bytesRead: this.bytesRead,
      bytesWritten,
      retries: this.retries,
    }
  }
}
