import { BatchwrightError } from '../kernel/errors.ts'
import type { Executor } from '../executors/index.ts'
import { datasetsWritten, type JobDefinition, type RetryBudget, type RetryPolicy } from '../job/index.ts'

export type Isolation = Executor['name']

/** What the engine must know of a step's definition; the code itself stays in the slot. */
export interface StepFacts {
  readonly isolation: Isolation
  /** Most that the process of a step in isolation `process` may take, bytes; null or absent for the executor's default. */
  readonly memoryBytes?: number | null
  readonly retry: RetryPolicy
  /** Of the whole run; null or absent for none. */
  readonly retryBudget?: RetryBudget | null
  /** Of one partition attempt, milliseconds; null for no limit. */
  readonly timeoutMs: number | null
  /** Of the whole run, milliseconds; null for no limit. */
  readonly runTimeoutMs: number | null
  /** Whether its tasks leave parts, which verification reads; absent: they do. */
  readonly leavesParts?: boolean
  /** The datasets that it publishes. */
  readonly publishes: readonly PublishedDataset[]
}

export interface PublishedDataset {
  readonly dataset: string
  readonly windowed: boolean
  /**
   * The highest number that is published of a window, 0 for none, where the composition root can look: a store that was
   * made anew must not give out a number that exists. Absent where store and datasets begin together.
   */
  readonly newest?: (windowKey: string | null) => Promise<number>
}

/** For tasks whose step could not be looked up: a file system that is busy for a moment must not fail the run. */
export const DEFAULT_RETRY: RetryPolicy = {
  attempts: 3,
  firstMs: 1_000,
  maxMs: 10_000,
  multiplier: 2,
  jitter: 0.2,
  errors: [],
}

/** Names the code and the step in it. */
export interface StepReference {
  readonly codeVersion: string
  readonly artifactPath: string
  readonly job: string
  readonly step: string
}

/** Looks a step up in its artifact. Handed in by the composition root: the engine itself never loads user code. */
export type DescribeStep = (reference: StepReference) => Promise<StepFacts>

/** The facts of one step of a loaded job. Throws STEP_UNKNOWN where the artifact has no step of that name. */
export function stepFacts(job: JobDefinition, name: string): StepFacts {
  const step = job.steps.find((candidate) => candidate.name === name)
  if (step === undefined) {
    throw new BatchwrightError({
      code: 'STEP_UNKNOWN',
      message: `expected job ${JSON.stringify(job.name)} to have a step ${JSON.stringify(name)}; it has ${job.steps.map((known) => known.name).join(', ')}`,
      hint: 'The artifact is not the one that the run was made with: run it again under its own code.',
    })
  }
  const written = step.publish === 'none' ? [] : datasetsWritten(step)
  return {
    isolation: step.isolation,
    memoryBytes: step.processMemory,
    retry: step.retry,
    retryBudget: job.retryBudget,
    timeoutMs: step.timeoutMs,
    runTimeoutMs: job.timeoutMs,
    leavesParts: step.kind !== 'function' || step.files.size > 0,
    publishes: written.map(({ dataset }) => ({ dataset: dataset.name, windowed: dataset.window !== null })),
  }
}
