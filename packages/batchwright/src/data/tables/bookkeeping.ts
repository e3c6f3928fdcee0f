import type { TableLocation } from '../../job/model.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import { qualified, tableName, type TableConnection } from './connection.ts'

/** The tables that Batchwright keeps beside those it writes: where each task stands, and what was published. */
export const PROGRESS = 'batchwright_progress'
export const PUBLICATIONS = 'batchwright_publications'

/** Serialises making tables: two that make one at a time get in each other's way. */
const MAKING = 7_214_305_118

/** A type that both databases take. */
const STATEMENTS = (table: TableLocation): readonly string[] => [
  `create table if not exists ${qualified(table, PROGRESS)} (
    run text not null, step text not null, task bigint not null,
    job text not null, window_key text not null, revision bigint not null,
    dataset text not null, target text not null, fence bigint not null, opening bigint not null,
    sequence bigint not null, sent bigint not null, changed bigint not null, checkpoint text,
    updated_at timestamp with time zone not null default current_timestamp,
    primary key (run, step, task))`,
  `create table if not exists ${qualified(table, PUBLICATIONS)} (
    target text not null, window_key text not null, number bigint not null,
    dataset text not null, job text not null, run text not null, step text not null, mode text not null, rows bigint not null,
    published_at timestamp with time zone not null default current_timestamp,
    primary key (target, window_key, number))`,
]

/** Makes the two tables where they are not there. Throws TABLE_BOOKKEEPING with the statements for whoever may make them. */
export async function makeBookkeeping(connection: TableConnection, table: TableLocation): Promise<void> {
  if (await isThere(connection, table)) return
  await withLock(connection, async () => {
    for (const statement of STATEMENTS(table)) await connection.run(statement)
  }).catch((thrown: unknown) => {
    if (!(thrown instanceof BatchwrightError) || thrown.code !== 'TABLE_FAILED') throw thrown
    throw new BatchwrightError({
      code: 'TABLE_BOOKKEEPING',
      message: `expected to keep the position of the step beside ${tableName(table)}, found that its tables cannot be made: ${thrown.message}`,
      hint: `Let somebody who may make them run, and grant select, insert, update and delete on both:\n${STATEMENTS(table).join(';\n')};`,
      details: { table: tableName(table) },
      cause: thrown,
    })
  })
}

async function isThere(connection: TableConnection, table: TableLocation): Promise<boolean> {
  if (connection.database === 'sqlite') {
    const found = await connection.rows('select name from sqlite_schema where name in ($1, $2)', [
      PROGRESS,
      PUBLICATIONS,
    ])
    return found.length === 2
  }
  const [found] = await connection.rows('select to_regclass($1) is not null and to_regclass($2) is not null', [
    qualified(table, PROGRESS),
    qualified(table, PUBLICATIONS),
  ])
  return found?.[0] === 't'
}

/** Runs `work` in a transaction in which nobody else makes tables. */
export async function withLock(connection: TableConnection, work: () => Promise<void>): Promise<void> {
  await connection.begin()
  try {
    if (connection.database === 'postgres') await connection.rows('select pg_advisory_xact_lock($1)', [MAKING])
    await work()
    await connection.commit()
  } catch (thrown) {
    await connection.rollback()
    throw thrown
  }
}
