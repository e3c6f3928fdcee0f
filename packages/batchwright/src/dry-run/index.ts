/**
 * dry-run/: a run of a job on a sample of its input, with the real engine, loop, sinks and checks, in a scratch folder that is
 * the caller's to remove. Nothing is published, nothing of the project is written. A composition root: it wires store, executor
 * and runtime; what stands below never imports it.
 */
export type * from './contract.ts'
export { dryRun } from './dry-run.ts'
export { datasetInputs } from './inputs.ts'
