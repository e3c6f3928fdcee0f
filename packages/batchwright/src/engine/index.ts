/**
 * engine/: the life of runs. Submits them, claims their tasks, sees attempts through slots, keeps leases alive, reaps what
 * the dead left, decides what the end of an attempt means. Knows the store's contract and the executors'; never loads user
 * code, never reads a record, never imports runtime, data or trust.
 */
export type { AttemptLogLine } from './attempt.ts'
export { StoreContact } from './contact.ts'
export type { CoordinatorHooks, CoordinatorOptions, Leadership } from './coordinator/coordinator.ts'
export { Coordinator } from './coordinator/coordinator.ts'
export type { Duty, DutyContext, DutyCounts } from './coordinator/duty.ts'
export type { Drive } from './drive.ts'
export { driveRuns, followRuns } from './drive.ts'
export type { DescribeStep, Isolation, PublishedDataset, StepFacts, StepReference } from './facts.ts'
export { stepFacts } from './facts.ts'
export type { WorkerHooks, WorkerOptions } from './options.ts'
export type { ProcessIdentity } from '../kernel/process-identity.ts'
export { isSurelyDead, ownIdentity } from '../kernel/process-identity.ts'
export type { TaskProgress } from './progress.ts'
export { ProgressFeed } from './progress.ts'
export type { FingerprintOf, PlanDifference, ResumeRequest } from './resume.ts'
export { comparePlans, resumeRun } from './resume.ts'
export type { Decision, EndedAttempt } from './retry.ts'
export { decideEnd, isWorthRetry, retryDelay } from './retry.ts'
export type { Chance, RunRequest } from './submit.ts'
export { identityOf, newRun, submitRun } from './submit.ts'
export { Worker } from './worker.ts'
export { foldersOf } from './assemble.ts'
