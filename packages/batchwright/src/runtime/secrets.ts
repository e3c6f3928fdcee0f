import { readFile } from 'node:fs/promises'
import { BatchwrightError } from '../kernel/errors.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Where a secret may stand: `NAME_FILE` names a file that holds it (as container platforms mount secrets), `NAME` holds it. */
const FILE_SUFFIX = '_FILE'

/**
 * The value of a secret: of the environment variable of its name, or the content of the file that `<NAME>_FILE` names,
 * without the newline at its end. Errors, none of which says a value: SECRET_MISSING, SECRET_AMBIGUOUS, SECRET_UNREADABLE.
 * `usedBy` says who asks: `service smtp`.
 */
export async function readSecret(name: string, environment: Environment, usedBy: string): Promise<string> {
  const value = environment[name] ?? ''
  const file = environment[name + FILE_SUFFIX] ?? ''
  if (value !== '' && file !== '') {
    throw new BatchwrightError({
      code: 'SECRET_AMBIGUOUS',
      message: `${usedBy}: expected one of the environment variables ${name} and ${name}${FILE_SUFFIX} to be set, found both`,
      hint: `Unset ${name}, or ${name}${FILE_SUFFIX}, where the worker is started.`,
      details: { secret: name },
    })
  }
  if (value !== '') return value
  if (file === '') throw missing(name, usedBy, 'found neither')
  const content = await contentOf(name, file, usedBy)
  if (content !== '') return content
  throw missing(name, usedBy, `found the file ${file}, which is empty`)
}

async function contentOf(name: string, file: string, usedBy: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).replace(/\r?\n$/, '')
  } catch (cause) {
    throw new BatchwrightError({
      code: 'SECRET_UNREADABLE',
      message: `${usedBy}: expected ${name}${FILE_SUFFIX} to name a file with the secret, and ${file} could not be read`,
      hint: 'The file must be there, and readable for the user that the worker runs as.',
      details: { secret: name, path: file },
      // While a platform replaces it, it may be gone for a moment.
      retryable: true,
      cause,
    })
  }
}

function missing(name: string, usedBy: string, found: string): BatchwrightError {
  return new BatchwrightError({
    code: 'SECRET_MISSING',
    message: `${usedBy}: expected the environment variable ${name}, or ${name}${FILE_SUFFIX} with the path of a file, to be set; ${found}`,
    hint: `Set ${name} where the command is started, then \`batchwright retry RUN\` goes on. \`batchwright doctor\` tells which secrets are missing.`,
    details: { secret: name },
  })
}
