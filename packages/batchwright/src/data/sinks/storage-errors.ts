import { BatchwrightError } from '../../kernel/errors.ts'

export { storageError, systemCode } from '../../kernel/storage.ts'

/** Staged output of an earlier attempt is not there, or not as its checkpoint says: the task has to start again. */
export function outputLost(path: string, expected: string, found: string): BatchwrightError {
  return new BatchwrightError({
    code: 'OUTPUT_LOST',
    message: `staged output ${path}: expected ${expected}, found ${found}`,
    hint: 'the task starts again from the beginning of its partition; nothing else is needed',
    details: { path, expected, found },
    retryable: true,
  })
}

/** A finished part that others are to read or publish is not there, or not whole: only the step that wrote it can mend that. */
export function finishedPartLost(path: string, expected: string, found: string): BatchwrightError {
  return new BatchwrightError({
    code: 'OUTPUT_LOST',
    message: `staged output ${path}: expected ${expected}, found ${found}`,
    hint: 'run the step that wrote it again: `batchwright retry RUN --from STEP`',
    details: { path, expected, found },
  })
}
