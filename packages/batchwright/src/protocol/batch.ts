import type { JsonValue } from '../kernel/errors.ts'
import type { AttemptRef, PartitionAssignment, PartitionPlan } from './assignment.ts'
import type { Checkpoint } from './output.ts'
import type { AttemptEnd, AttemptPort } from './report.ts'

/** What one attempt of a batch does not share with the others. */
export interface BatchTask {
  readonly ref: AttemptRef
  readonly partition: PartitionPlan
  readonly checkpoint: Checkpoint | null
}

/** Partitions of one step of one run, one after the other: for tasks that are too short to travel alone. */
export interface BatchAssignment extends Omit<PartitionAssignment, 'kind' | 'ref' | 'partition' | 'checkpoint'> {
  readonly kind: 'batch'
  readonly tasks: readonly BatchTask[]
}

/** How the attempt at a place of a batch ended, from 0. `result`: it finished, with a result and nothing else. */
export type BatchEnd =
  { readonly place: number; readonly result: JsonValue } | { readonly place: number; readonly end: AttemptEnd }

/** What a batch can say while it runs. Attempts that it never began are nobody's: they go back unspent. */
export interface BatchPort {
  /** Puts the attempt at a place to work; false where it must not begin any more. */
  begin(place: number): boolean
  /** The port of the attempt at work. */
  attempt(): AttemptPort
  /** The attempt at work has finished, with a result and nothing else. */
  returned(result: JsonValue): void
  /** The attempt at work has ended. */
  ended(end: AttemptEnd): void
}
