import { BatchwrightError } from '../../kernel/errors.ts'

/** What a failed statement says of the world: a row's fault, something that passes, the connection is gone, or none of these. */
export type TableFault = 'row' | 'busy' | 'lost' | 'other'

/** What is told of a failed statement. */
export interface FaultParts {
  readonly fault: TableFault
  /** `postgres:public.accounts`. */
  readonly table: string
  /** In the database's words, with its own code: `duplicate key value violates unique constraint "accounts_email" (23505)`. */
  readonly words: string
  readonly details: Readonly<Record<string, string>>
  readonly cause: unknown
}

/** The error of a failed statement. Codes: TABLE_ROW_REFUSED, TABLE_BUSY, TABLE_CONNECTION_LOST, TABLE_FAILED. */
export function tableError({ fault, table, words, details, cause }: FaultParts): BatchwrightError {
  const all = { table, ...details }
  switch (fault) {
    case 'row':
      return new BatchwrightError({
        code: 'TABLE_ROW_REFUSED',
        message: `expected ${table} to take the row, found: ${words}`,
        hint: "Mend the row or the step that makes it; .skip('1%') sets such rows aside as dead letters.",
        details: all,
        cause,
      })
    case 'busy':
      return new BatchwrightError({
        code: 'TABLE_BUSY',
        message: `${table} is busy: ${words}`,
        hint: 'It passes when other transactions end; the step tries again by its retry policy.',
        details: all,
        retryable: true,
        cause,
      })
    case 'lost':
      return new BatchwrightError({
        code: 'TABLE_CONNECTION_LOST',
        message: `the connection to the database of ${table} is gone: ${words}`,
        hint: 'The step goes on from its last commit when the database is back; `batchwright retry RUN` where its attempts are used up.',
        details: all,
        retryable: true,
        cause,
      })
    case 'other':
      return new BatchwrightError({
        code: 'TABLE_FAILED',
        message: `a statement for ${table} failed: ${words}`,
        hint: 'Look at the table and at the rights of the user that the connection URL names, then `batchwright retry RUN` goes on.',
        details: all,
        cause,
      })
  }
}

/** Whether the transaction under way went with its connection: what was written since the last commit is gone. */
export function isConnectionLost(thrown: unknown): thrown is BatchwrightError {
  return thrown instanceof BatchwrightError && thrown.code === 'TABLE_CONNECTION_LOST'
}
