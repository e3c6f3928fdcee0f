import { BatchwrightError } from '../../kernel/errors.ts'

/** The caller asked for something that the run's, step's or task's state does not allow, or that does not exist. */
export function refused(
  code: Uppercase<string>,
  message: string,
  hint: string,
  details: Readonly<Record<string, string | number>>,
): BatchwrightError {
  return new BatchwrightError({ code, message, hint, details })
}

export function runNotFound(runId: string): BatchwrightError {
  return refused('RUN_NOT_FOUND', `expected a run ${runId}, found none`, 'List the runs: batchwright runs.', { runId })
}
