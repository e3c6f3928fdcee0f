/**
 * trust/: whether what a step has made may be seen. Reconciliation of records, limits on dead letters, control totals across
 * steps, checks of datasets. It reads staged parts through data/ and judges; it changes nothing, publishes nothing, and
 * knows no store.
 */
export { runChecks, type ChecksRequest } from './checks.ts'
export { findingsJson, refuseFailures, type Finding } from './finding.ts'
export { recordCountHistory } from './history.ts'
export { judgeLimits, within, type LimitsRequest } from './limits.ts'
export { compareControls, reconcile, type ExpectedRead, type ReconcileRequest } from './reconcile.ts'
export { expectedReads, verifyStep, type VerifyStepRequest } from './verify-step.ts'
