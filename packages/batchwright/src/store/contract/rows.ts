import type { ErrorReport, JsonValue } from '../../kernel/errors.ts'
import type {
  Checkpoint,
  ControlTotals,
  Counters,
  PartitionPlan,
  PlanSummary,
  StepKind,
  TaskKind,
  TaskOutput,
  WindowValue,
} from '../../protocol/index.ts'
import type { RunState, StepState, TaskState } from '../states.ts'
import type { DeadLetterReplay } from './runs.ts'

/** A run as the store holds it. */
export interface RunRow {
  readonly runId: string
  readonly job: string
  readonly revision: number
  readonly state: RunState
  readonly paused: boolean
  readonly window: WindowValue | null
  readonly identity: string
  readonly parameters: Readonly<Record<string, JsonValue>>
  readonly codeVersion: string
  readonly artifactPath: string
  readonly logicalTime: string
  readonly seed: number
  readonly requestedBy: string
  readonly replay: DeadLetterReplay | null
  /** '' where none was named. */
  readonly tenant: string
  readonly priority: number
  /** Store's clock, milliseconds since the epoch. */
  readonly createdAt: number
  readonly startedAt: number | null
  readonly endedAt: number | null
  readonly failure: (ErrorReport & { readonly step: string; readonly index: number | null }) | null
  /** Its tasks, attempts and events were deleted, since it ended longer ago than is kept. Absent: false. */
  readonly pruned?: boolean
}

export interface StepRow {
  readonly runId: string
  readonly name: string
  readonly kind: StepKind
  /** Order of definition, from 0. */
  readonly order: number
  readonly after: readonly string[]
  readonly publish: 'together' | 'alone' | 'none'
  readonly state: StepState
  readonly tasks: number
  readonly tasksDone: number
  /** Totals of its succeeded partition tasks plus the last checkpoints of the others. */
  readonly counters: Counters
  readonly controls: ControlTotals
  readonly retries: number
  readonly plan: PlanSummary | null
  readonly verification: JsonValue
  readonly startedAt: number | null
  readonly endedAt: number | null
}

export interface TaskRow {
  readonly taskId: number
  readonly runId: string
  readonly step: string
  readonly kind: TaskKind
  /** Partition index; null for plan, verify and publish tasks. */
  readonly index: number | null
  /** Of a piece that was cut off a running partition: the index of the one that was planned. */
  readonly origin?: number
  readonly label: string
  readonly state: TaskState
  readonly attemptsUsed: number
  readonly crashCount: number
  readonly workerId: string | null
  readonly notBefore: number | null
  readonly partition: PartitionPlan | null
  readonly counters: Counters | null
  readonly checkpoint: Checkpoint | null
  readonly output: TaskOutput | null
  readonly error: ErrorReport | null
}
