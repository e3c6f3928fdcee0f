import type { Migration } from './migration.ts'

/**
 * Partitions that are cut while they run, and second attempts beside slow ones.
 *
 * A piece that was cut off a partition is a task of its own, with the next free index; `origin` is the index of the partition
 * as it was planned, and `place` orders its pieces (sql/splits.ts). A copy is a task too, as long as it is ready or leased.
 */
function tables(text: string, integer: string): string {
  return `
-- index of the partition that it is a piece of; null where it was planned as it is
alter table tasks add column origin ${integer};
alter table tasks add column place ${text} not null default '';
-- how often it was cut, and the checkpoint that the last cut was committed with
alter table tasks add column splits ${integer} not null default 0;
alter table tasks add column split_at ${integer};
-- the lease that was asked to cut what is left, into how many pieces, and why it will not; void under any other fence
alter table tasks add column split_fence ${integer};
alter table tasks add column split_pieces ${integer};
alter table tasks add column split_word ${text};
-- the task that it is a copy of
alter table tasks add column copy_of ${integer};
-- whether it has a copy now, and how many it had
alter table tasks add column copied ${integer} not null default 0 check (copied in (0, 1));
alter table tasks add column copies ${integer} not null default 0;
-- the worker that must not claim it: the one that its original is slow on
alter table tasks add column avoid ${text};
create unique index tasks_copies on tasks (copy_of) where copy_of is not null;

alter table steps add column rebalance ${integer} not null default 0 check (rebalance in (0, 1));
-- the rule for copies, as JSON; null for none
alter table steps add column speculation ${text};
`
}

export const STRAGGLERS: Migration = {
  version: 5,
  name: 'splits and copies',
  // Older code would read the pieces of a partition in the order they were made, and count copies as work of their own.
  oldestCompatible: 5,
  sqlite: tables('text', 'integer'),
  postgres: tables('text collate "C"', 'bigint'),
}
