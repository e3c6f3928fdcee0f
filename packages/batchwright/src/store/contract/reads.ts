import type { Snapshot, StepOutput, TaskKind } from '../../protocol/index.ts'
import type { RunState, TaskState } from '../states.ts'
import type { RunRow, StepRow, TaskRow } from './rows.ts'
import type { EventCount, StoreEvent } from './events.ts'
import type { AttemptRow, AttemptTotals, RunActivity } from './histories.ts'

export interface Page<Item> {
  readonly total: number
  readonly items: readonly Item[]
}

export interface RunFilter {
  readonly job?: string
  readonly states?: readonly RunState[]
  readonly windowKey?: string
  readonly identity?: string
  /** Newest first; default 50. */
  readonly limit?: number
}

export interface Reads {
  /** By id; null when there is none. */
  getRun(runId: string): Promise<RunRow | null>
  /** By id prefix: for the command line. At most `limit`. */
  findRuns(prefix: string, limit: number): Promise<readonly RunRow[]>
  listRuns(filter: RunFilter): Promise<Page<RunRow>>
  /** In order of definition. Empty for a run that does not exist. */
  listSteps(runId: string): Promise<readonly StepRow[]>
  /** By step, kind and index; at most `limit` (default 1000), after the task `afterTaskId` in that order. */
  listTasks(
    runId: string,
    filter?: {
      readonly step?: string
      readonly states?: readonly TaskState[]
      readonly kind?: TaskKind
      readonly limit?: number
      readonly afterTaskId?: number
    },
  ): Promise<readonly TaskRow[]>
  /** The finished output of a step, its partitions in order of index. */
  stepOutput(runId: string, step: string): Promise<StepOutput>
  /** The snapshot of each planned step of a run. */
  listSnapshots(runId: string): Promise<readonly { readonly step: string; readonly snapshot: Snapshot }[]>
  /** Events after a sequence number, complete below the newest one returned. */
  listEvents(filter: {
    readonly after: number
    readonly runId?: string
    readonly limit?: number
    /** Only these. Of a run, and without `tasks.leased` and `tasks.succeeded`, a page costs its own rows. */
    readonly types?: readonly string[]
  }): Promise<readonly StoreEvent[]>
  /** Events of a run counted by type, step, code or reason; without `tasks.leased` and `tasks.succeeded`. */
  countEvents(runId: string): Promise<readonly EventCount[]>
  /** Attempts of a run: by place and fence, or those that took longest first; at most `limit` (default 1000). */
  listAttempts(
    runId: string,
    filter?: {
      readonly step?: string
      readonly kind?: TaskKind
      readonly index?: number
      readonly order?: 'place' | 'longest'
      readonly limit?: number
    },
  ): Promise<readonly AttemptRow[]>
  /** By run, step in order of definition, and kind. */
  totalAttempts(runIds: readonly string[]): Promise<readonly AttemptTotals[]>
  /** Between two times, in `buckets` of the same length. */
  runActivity(
    runId: string,
    span: { readonly from: number; readonly to: number; readonly buckets: number },
  ): Promise<RunActivity>
  /** Milliseconds until the next task that is ready but not due becomes due; null when there is none. */
  nextDue(runs?: readonly string[]): Promise<number | null>
  /** Paths of parts that a checkpoint or an output of an unfinished run, or a finished run's output, refers to. */
  referencedParts(runId: string): Promise<readonly string[]>
}
