import type { Migration } from './migration.ts'
import { POSTGRES_BASE } from './postgres-base.ts'

/**
 * The second migration: every attempt, from its lease to its end, and a way to the events that say more than that work goes on.
 * The attempt that is under way or was last is part of its task's row; earlier ones are rows of `attempts`. Those are found
 * by the task's place, not by its id: they stay where a step starts again and its tasks go. The fence is the odd one of
 * the lease; it grows over all tasks that were ever at the place.
 */
const SQLITE = `
${taskColumns({
  worker_was: 'text',
  slot: 'integer',
  leased_at: 'integer',
  started_at: 'integer',
  // null while it holds its lease
  ended_at: 'integer',
  outcome: `text check (outcome in ('succeeded', 'retried', 'failed', 'returned', 'crashed', 'cancelled'))
    check ((ended_at is null) = (outcome is null))`,
  // code of the error, or why the lease ended
  reason: 'text',
  // how long the retry that follows waits
  delay_ms: 'integer',
  // the checkpoint that it began at; 0 at the beginning of its partition
  from_sequence: 'integer not null default 0',
  from_read: 'integer not null default 0',
  checkpoints: 'integer not null default 0',
  checkpointed_at: 'integer',
  // records read at its last checkpoint, or at its end
  attempt_read: 'integer not null default 0',
})}

create table attempts (
  run integer not null,
  step integer not null,
  kind text not null,
  idx integer not null,
  fence integer not null,
  task_id integer not null,
  worker text not null,
  slot integer,
  leased_at integer not null,
  started_at integer,
  ended_at integer not null,
  outcome text not null,
  reason text,
  delay_ms integer,
  from_sequence integer not null,
  from_read integer not null,
  checkpoints integer not null,
  checkpointed_at integer,
  read integer not null,
  primary key (run, step, kind, idx, fence)
) strict, without rowid;

create view history as
  select run, step, kind, idx, fence, task_id, worker, slot, leased_at, started_at, ended_at, outcome, reason, delay_ms,
    from_sequence, from_read, checkpoints, checkpointed_at, read
  from attempts
  union all
  select run, step, kind, idx, fence - 1 + fence % 2 as fence, task_id, worker_was as worker, slot, leased_at, started_at,
    ended_at, outcome, reason, delay_ms, from_sequence, from_read, checkpoints, checkpointed_at, attempt_read as read
  from tasks where leased_at is not null;

create index events_told on events (run_id, type, sequence)
  where run_id is not null and type not in ('tasks.leased', 'tasks.succeeded');
`

function taskColumns(columns: Readonly<Record<string, string>>): string {
  return Object.entries(columns)
    .map(([name, type]) => `alter table tasks add column ${name} ${type};`)
    .join('\n')
}

export const ATTEMPTS: Migration = {
  version: 2,
  name: 'attempts',
  oldestCompatible: 1,
  sqlite: SQLITE,
  postgres: POSTGRES_BASE,
}
