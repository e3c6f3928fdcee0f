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

/** A worker that cannot see the files of the store's runs. */
export function storageNotShared(
  host: string,
  storage: { readonly host: string; readonly stateFolder: string },
): BatchwrightError {
  return new BatchwrightError({
    code: 'STORAGE_NOT_SHARED',
    message:
      `expected the worker on host ${host} to see the storage of this store's runs, ${storage.stateFolder} as host ` +
      `${storage.host} named it; it does not`,
    hint: 'Mount the same storage at the same path on all hosts, with the state folder on it; `batchwright doctor` tells what this host sees.',
    details: { host, stateFolder: storage.stateFolder, namedBy: storage.host },
  })
}
