import type { Catalogue } from './entry.ts'

/** Tables of databases, as inputs and outputs. */
export const TABLES: Catalogue = {
  TABLE_MISSING: {
    title: 'The table is not there',
    meaning: 'The dataset names a table that the database does not have. Batchwright makes no tables of yours.',
    causes: [
      'It was not made yet.',
      'Its name is written otherwise: upper and lower case count.',
      'It lies in another schema.',
    ],
    remedies: ['Make the table.', "Mend the name: `table: 'sales.accounts'` names the schema too."],
    example: {
      message: 'dataset accounts: expected the table postgres:public.accounts, found none of that name',
      remedy: "table: postgres({ url: 'CRM_URL', table: 'crm.accounts' })",
    },
  },
  TABLE_DIFFERS: {
    title: 'The table does not fit the contract',
    meaning:
      'Before anything is read or written, the columns of the table are held against the fields of the contract. The message names every column that does not fit, what was expected and what was found.',
    causes: [
      'A column is called otherwise, or is of another type.',
      'A column must not be null and has no default, and the contract has no field for it.',
      'The key of the dataset is no unique key of the table.',
    ],
    remedies: [
      "`.column('Unit Price')` names the column of a field.",
      'Change the contract or the table.',
      'Make a unique index on the key: reading goes on by it, and upsert finds rows by it.',
    ],
    example: {
      message:
        'dataset accounts: postgres:accounts does not fit the contract. column balance: expected numeric with at least 2 digits after the point, found double precision',
      remedy: 'alter table accounts alter column balance type numeric(14, 2);',
    },
  },
  TABLE_ROW_REFUSED: {
    title: 'The table refuses a row',
    meaning:
      'A constraint, a type or a trigger of the table refuses a row. It is found by halving the chunk; all others are written. As a dead letter it has this code as its reason.',
    causes: [
      'Another row has the same key.',
      'A value is too long or out of range.',
      'A check, a foreign key or a trigger refuses it.',
    ],
    remedies: [
      'Mend the record, or the step that makes it.',
      "`.skip('1%')` sets such records aside as dead letters.",
      "Where rows of a key may come again: mode: 'upsert'.",
    ],
    example: {
      message:
        'expected postgres:accounts to take the row, found: duplicate key value violates unique constraint "accounts_email" (23505)',
      remedy: ".skip('1%').write(accounts)",
    },
  },
  TABLE_BUSY: {
    title: 'Other transactions hold what is needed',
    meaning:
      'A lock was not had in time, or two transactions waited for each other. The step tries again by its retry policy.',
    causes: [
      'A long transaction of somebody else, or an `alter table`, holds the rows or the table.',
      'Two partitions update the same rows.',
      'Another process writes to the same SQLite file for a long time.',
    ],
    remedies: [
      'Nothing, where it passes by itself.',
      'Look who holds it: `select * from pg_stat_activity where wait_event_type is not null`.',
      "Cut the input so that rows of one key are in one partition: `.partition('keyHash', { count, key })`.",
    ],
    example: {
      message: 'postgres:accounts is busy: deadlock detected (40P01)',
      remedy: 'batchwright retry latest',
    },
  },
  TABLE_CONNECTION_LOST: {
    title: 'The connection to the database of a table was cut',
    meaning:
      'Rows since the last commit went with it; those before it are there, with the position that belongs to them. The attempt connects again and goes on from there.',
    causes: [
      'The database was restarted.',
      'The network was away.',
      'The session was ended, by an administrator or a time-out.',
    ],
    remedies: ['Nothing, where it passes by itself.', '`batchwright retry RUN` once the database is back.'],
    example: {
      message:
        'the connection to the database of postgres:accounts is gone: terminating connection due to administrator command (57P01)',
      remedy: 'batchwright retry latest',
    },
  },
  TABLE_FAILED: {
    title: 'A statement for a table failed',
    meaning:
      'The database refused a statement for a reason that is no row and does not pass. Its own words stand in the message.',
    causes: [
      'The user of the connection URL may not read or write the table.',
      'The table was changed while the step ran.',
    ],
    remedies: [
      'Grant what is missing: select for reading; select, insert, update and delete for writing.',
      'Then `batchwright retry RUN` goes on.',
    ],
    example: {
      message: 'a statement for postgres:accounts failed: permission denied for table accounts (42501)',
      remedy: 'grant select, insert, update, delete on accounts to batch;',
    },
  },
  TABLE_UNREACHABLE: {
    title: 'The database of a table cannot be reached',
    meaning:
      'No connection could be made, or the SQLite file is not there. The message names the secret, never its value.',
    causes: [
      'The database is down, or its host is another one.',
      'User or password do not hold any more.',
      'The path of the SQLite file is wrong: it starts at the project folder.',
    ],
    remedies: ['Try the URL with `psql`.', 'Set the secret anew, then `batchwright retry RUN`.'],
    example: {
      message:
        'expected to connect to the database of postgres:accounts (CRM_URL), found: password authentication failed for user "batch" (28P01)',
      remedy: 'export CRM_URL=postgres://batch:NEW_PASSWORD@db.example/crm',
    },
  },
  TABLE_BOOKKEEPING: {
    title: 'The tables that keep positions cannot be made',
    meaning:
      'Beside the table that it writes, Batchwright keeps two small tables: where each task stands, and what was published. The user of the connection may not make them.',
    causes: ['The user has no right to create tables in that schema.'],
    remedies: [
      'Let somebody who may run the statements of the hint, and grant select, insert, update and delete on both.',
    ],
    example: {
      message:
        'expected to keep the position of the step beside postgres:public.accounts, found that its tables cannot be made: permission denied for schema public (42501)',
      remedy: 'grant create on schema public to batch;',
    },
  },
  TABLE_PROGRESS_BEHIND: {
    title: 'The table stands before what the run knows',
    meaning:
      'The run was told of commits that the database of the table does not have. Going on would leave out rows, beginning anew would double others.',
    causes: [
      'The database was restored from a backup.',
      'The secret names another database than before.',
      'Rows of `batchwright_progress` were deleted.',
    ],
    remedies: ['Bring the database back.', 'Or make the rows anew: `batchwright rerun JOB --window WINDOW`.'],
    example: {
      message:
        'dataset accounts: expected postgres:accounts to stand at commit 7 of this task or after it, found commit 5: its database was set back, or another one is meant',
      remedy: 'batchwright rerun load',
    },
  },
  TABLE_PROGRESS_LOST: {
    title: 'What was kept beside the rows of a table is gone',
    meaning:
      'Rows of the task are in the table, and files that the position needs (dead letters, what `distinct` remembers) are not there any more. The task cannot begin again without doubling rows.',
    causes: ['Somebody removed files below `.batchwright/runs`.', 'The disk of another host is not there.'],
    remedies: [
      'Bring the files back, then `batchwright retry RUN`.',
      "Or `batchwright rerun JOB --window WINDOW`, with mode: 'upsert' or 'replaceWindow'.",
    ],
    example: {
      message:
        'dataset accounts: rows of this task are in postgres:accounts, and what was kept beside them to go on is gone: staged output dead-00000.jsonl: expected 4096 bytes, found no file',
      remedy: "mode: 'upsert', key: ['id']",
    },
  },
  TABLE_ROWS_WRITTEN: {
    title: 'The rows would be inserted twice',
    meaning:
      'Rows that were inserted are not known apart from others, so that a step that inserts is not run anew over them: not for a new revision, not for a new plan, not to replay dead letters.',
    causes: ["`rerun`, `retry --from` or a replay of a step with mode: 'insert'."],
    remedies: [
      "Use mode: 'upsert' or 'replaceWindow', which may be made again.",
      'Or delete the rows, and what `batchwright_progress` says of the step, then `batchwright retry RUN`.',
    ],
    example: {
      message:
        'step load: expected to insert into postgres:accounts for the first time, found 5000 rows of this work in it, of an earlier revision or an earlier plan: they would be there twice',
      remedy: "mode: 'upsert', key: ['id']",
    },
  },
  TABLE_MISCOUNTED: {
    title: 'Staged rows are missing, or too many',
    meaning:
      'The rows that are to replace a window are counted as they are published, and were others than the step has written. Nothing was changed.',
    causes: ['Somebody has changed the staging table.'],
    remedies: ['Make the rows anew: `batchwright retry RUN --from STEP`.'],
    example: {
      message: 'dataset sales: expected 1000 staged rows to be published into postgres:sales, found 990',
      remedy: 'batchwright retry latest --from load',
    },
  },
  TABLE_NOT_ROLLED_BACK: {
    title: 'Rows of a table cannot be rolled back',
    meaning:
      'A version of files is kept beside its successors; the rows that a table had before are gone once others have taken their place, and rows that are written in place have no version.',
    causes: ['`rollback` of a dataset that is a table.'],
    remedies: [
      'Make the former rows anew: `batchwright rerun JOB --window WINDOW`, with the code of then (`--code HASH`).',
      'Or bring the table back from a backup.',
    ],
    example: {
      message:
        'dataset sales: expected versions whose files are kept, found a table: the rows that it had before are gone',
      remedy: 'batchwright rerun sales --window 2026-03-01',
    },
  },
  TABLE_ROWS_ELSEWHERE: {
    title: 'Rows of a table are not printed',
    meaning:
      'The command prints files of published versions. The rows of this dataset lie in a database, which is asked in its own way.',
    causes: ['`datasets cat` of a dataset that is a table.'],
    remedies: ['`psql` or `sqlite3` shows the rows.'],
    example: {
      message: 'dataset accounts: expected files to print, found a table: its rows lie in postgres:public.accounts',
      remedy: 'psql "$CRM_URL" -c "select * from accounts limit 10"',
    },
  },
  TABLE_LETTERS_LIVE: {
    title: 'Dead letters of a table that is read live cannot be replayed',
    meaning: 'A mended letter stands in for the record at its place. Rows of a live table may have moved since.',
    causes: ["The dataset is read with consistency 'live', the default."],
    remedies: [
      'Mend the rows in the table and run again.',
      "Read the table with read: { consistency: 'snapshot' }: its copy is kept with the run.",
    ],
    example: {
      message:
        'expected mended dead letters of a snapshot, found letters of a table that is read live, whose rows may have moved since',
      remedy: "read: { consistency: 'snapshot' }",
    },
  },
}
