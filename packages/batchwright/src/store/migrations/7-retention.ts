import type { Migration } from './migration.ts'

/**
 * Retention. `runs.pruned`: 0 its rows are all there, 1 they are going, 2 they are gone: the run itself, its steps, plans and
 * publications stay. The indexes name what is old enough to go, and nothing else.
 */
const TABLES = `
alter table runs add column pruned integer not null default 0 check (pruned in (0, 1, 2));
create index runs_ended on runs (ended_at) where ended_at is not null and pruned = 0;
create index runs_pruning on runs (run) where pruned = 1;
create index events_of_none on events (at) where run_id is null;
create index workers_gone on workers (expires_at) where state <> 'alive';
`

export const RETENTION: Migration = {
  version: 7,
  name: 'retention',
  // Older code works on: it would take up a run whose rows are gone, which it finds failed and old.
  oldestCompatible: 1,
  sqlite: TABLES,
  postgres: TABLES,
}
