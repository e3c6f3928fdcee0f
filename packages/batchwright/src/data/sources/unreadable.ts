import { BatchwrightError } from '../../kernel/errors.ts'

const REFUSED = new Set(['EACCES', 'EPERM'])

/** INPUT_UNREADABLE, where the system lets this user not read an input; null for other errors. */
export function inputUnreadable(thrown: unknown, file: string): BatchwrightError | null {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
  if (!REFUSED.has(code)) return null
  return new BatchwrightError({
    code: 'INPUT_UNREADABLE',
    message: `expected to be able to read ${file}, found that this user has no permission (${code})`,
    hint: `\`ls -ld ${file}\` shows who may read it. Give this user (\`id -un\`) the right to, then \`batchwright retry RUN\` goes on.`,
    details: { path: file },
    cause: thrown,
  })
}
