import path from 'node:path'
import { BatchwrightError } from '../../kernel/errors.ts'

export { storageError, systemCode } from '../../kernel/storage.ts'

/** Staged output of an earlier attempt is not there, or not as its checkpoint says: the task has to start again. */
export function outputLost(file: string, expected: string, found: string): BatchwrightError {
  return new BatchwrightError({
    code: 'OUTPUT_LOST',
    message: `staged output ${file}: expected ${expected}, found ${found}`,
    hint: 'the task starts again from the beginning of its partition; nothing else is needed',
    details: { path: file, expected, found },
    retryable: true,
  })
}

/** A finished part that others are to read or publish is not there, or not whole: only the step that wrote it can mend that. */
export function finishedPartLost(file: string, expected: string, found: string): BatchwrightError {
  return new BatchwrightError({
    code: 'OUTPUT_LOST',
    message: `staged output ${file}: expected ${expected}, found ${found}`,
    hint: `Make it anew: \`batchwright retry RUN --from ${stepThatWrote(file)}\`.`,
    details: { path: file, expected, found },
  })
}

const ATTEMPT = /^\d+-f\d+(?:-r\d+)?$/

/** A staged file lies in its attempt's folder, `<step>/<task>-f<fence>`, or in a folder of it. Often another step reads it. */
export function stepThatWrote(file: string): string {
  const folders = path.dirname(file).split(path.sep)
  const attempt = folders.findLastIndex((folder) => ATTEMPT.test(folder))
  return folders[attempt - 1] ?? 'STEP'
}
