import { RUN_TRANSITIONS, STEP_TRANSITIONS, TASK_TRANSITIONS } from '../states.ts'
import { REFUSE_TRANSITION, postgresGuard, words } from './transitions.ts'

/**
 * What PostgreSQL begins with: all that SQLite has after its second migration, in the same tables, columns and words. Text
 * has the collation "C", as SQLite compares bytes. Where a table says more than SQLite's, it is for many writers at once:
 *
 * - `tasks`: only rows that can be had are in the index that claims read; what a claim holds is found by worker and claim.
 *   Pages are filled by half: a claim and a finish each write a row anew, and find room beside it.
 * - `workers`, `steps`, `runs`: rewritten all the time, few rows. No index on what changes, and room in each page, so that a
 *   new version of a row stays in its page and costs no index (HOT).
 * - `events`: rows of two transactions may become visible in another order than that of their ids. `sequence`, by which they
 *   are read, is given to them afterwards by one reader at a time: see postgres/outbox.ts. Those that say that somebody may
 *   have something to do wake the listeners.
 */
export const POSTGRES_BASE = `
-- The store's clock, in milliseconds since the epoch: it decides leases and due times. A transaction may pin it, for tests.
create function store_now() returns bigint language sql volatile as $$
  select coalesce(nullif(current_setting('batchwright.now', true), '')::bigint,
    floor(extract(epoch from clock_timestamp()) * 1000)::bigint)
$$;

${REFUSE_TRANSITION}

create table runs (
  run bigint generated always as identity primary key,
  run_id text collate "C" not null unique,
  job text collate "C" not null,
  identity text collate "C" not null,
  revision integer not null,
  state text collate "C" not null check (${words('state', RUN_TRANSITIONS)}),
  paused integer not null default 0 check (paused in (0, 1)),
  window_key text collate "C",
  window_value text,
  parameters text not null,
  code_version text not null,
  artifact_path text not null,
  logical_time text not null,
  seed bigint not null,
  requested_by text not null,
  replay text,
  created_at bigint not null,
  started_at bigint,
  ended_at bigint,
  failure text,
  unique (job, identity, revision)
) with (fillfactor = 70);
create index runs_open on runs (run) where state in ('queued', 'running');

create table steps (
  run bigint not null references runs (run),
  step integer not null,
  name text collate "C" not null,
  kind text collate "C" not null,
  comes_after text not null,
  publish text collate "C" not null check (publish in ('together', 'alone', 'none')),
  state text collate "C" not null check (${words('state', STEP_TRANSITIONS)}),
  tasks bigint not null default 0,
  remaining bigint not null default 0,
  retries bigint not null default 0,
  counters text not null,
  controls text not null,
  planned_under bigint,
  fence_floor bigint not null default 0 check (fence_floor % 2 = 0),
  verification text,
  verified_at bigint,
  started_at bigint,
  ended_at bigint,
  primary key (run, step),
  unique (run, name)
) with (fillfactor = 50);
create index steps_open on steps (run, step) where state in ('planning', 'running', 'verifying', 'publishing');

create table plans (
  run bigint not null,
  step integer not null,
  plan text,
  snapshot text,
  primary key (run, step)
);

create table tasks (
  task_id bigint generated always as identity primary key,
  run bigint not null,
  fence bigint not null,
  not_before bigint not null default 0,
  leased_at bigint,
  started_at bigint,
  -- null while it holds its lease
  ended_at bigint,
  -- how long the retry that follows waits
  delay_ms bigint,
  from_sequence bigint not null default 0,
  from_read bigint not null default 0,
  checkpointed_at bigint,
  attempt_read bigint not null default 0,
  step integer not null,
  idx integer not null check (idx >= 0),
  started integer not null default 0 check (started in (0, 1)),
  absent integer not null default 0,
  attempts_used integer not null default 0,
  crash_count integer not null default 0,
  checkpoints integer not null default 0,
  slot integer,
  kind text collate "C" not null check (kind in ('plan', 'partition', 'verify', 'publish')),
  state text collate "C" not null default 'ready' check (${words('state', TASK_TRANSITIONS)}),
  worker text collate "C",
  claim text collate "C",
  label text not null,
  partition_plan text,
  error text,
  worker_was text collate "C",
  outcome text collate "C"
    check (outcome in ('succeeded', 'retried', 'failed', 'returned', 'crashed', 'cancelled')),
  -- code of the error, or why the lease ended
  reason text,
  check ((state = 'leased') = (fence % 2 = 1)),
  check ((state = 'leased') = (worker is not null)),
  check ((ended_at is null) = (outcome is null))
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05,
  autovacuum_vacuum_insert_scale_factor = 0.1);
create unique index tasks_place on tasks (run, step, kind, idx);
create index tasks_claimable on tasks (run, step, kind, idx) where state = 'ready' and not_before = 0;
create index tasks_deferred on tasks (not_before) where state = 'ready' and not_before > 0;
-- Leases come and go: entries of those that went stay until the next vacuum. By claim, none of them is passed.
create index tasks_held on tasks (worker, claim) where worker is not null;
create index tasks_suspect on tasks (worker) where worker is not null and crash_count > 0;
create index tasks_failed on tasks (run, step, kind, idx) where state = 'failed';

create table checkpoints (
  task_id bigint primary key,
  run bigint not null,
  step integer not null,
  sequence bigint not null,
  counters text not null,
  controls text not null,
  body text not null
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
create index checkpoints_of_step on checkpoints (run, step);

create table outputs (
  task_id bigint primary key,
  body text not null
);

create table workers (
  worker_id text collate "C" primary key,
  host text not null,
  boot_id text not null,
  pid bigint not null,
  process_start text not null,
  lease_ms bigint not null,
  state text collate "C" not null check (state in ('alive', 'dead', 'retired')),
  expires_at bigint not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
create index workers_alive on workers (worker_id) where state = 'alive';

create table numbers (
  dataset text collate "C" not null,
  window_key text collate "C" not null,
  last bigint not null,
  primary key (dataset, window_key)
);

create table publications (
  dataset text collate "C" not null,
  window_key text collate "C" not null,
  number bigint not null,
  window_value text,
  run bigint,
  task_id bigint,
  step text collate "C",
  rollback_to bigint,
  state text collate "C" not null check (state in ('intended', 'published')),
  intended_at bigint not null,
  published_at bigint,
  primary key (dataset, window_key, number)
);
create index publications_of_run on publications (run) where run is not null;

create table events (
  event bigint generated always as identity primary key,
  -- null until it is read for the first time
  sequence bigint unique,
  at bigint not null,
  run_id text collate "C",
  step text collate "C",
  type text collate "C" not null,
  data text not null
) with (fillfactor = 80);
create index events_unnumbered on events (event) where sequence is null;
create index events_of_run on events (run_id, sequence) where run_id is not null;
create index events_told on events (run_id, type, sequence)
  where run_id is not null and type not in ('tasks.leased', 'tasks.succeeded');
create index events_waking on events (event)
  where type not in ('tasks.leased', 'tasks.succeeded', 'worker.registered', 'worker.retired');

-- The last sequence that was given out.
create table event_numbers (
  only_row boolean primary key default true check (only_row),
  last bigint not null
) with (fillfactor = 50);
insert into event_numbers (last) values (0);

create function wake_listeners() returns trigger language plpgsql as $$
begin
  perform pg_notify('batchwright_' || tg_table_schema, '');
  return null;
end $$;
create trigger events_wake after insert on events for each row
  when (new.type not in ('tasks.leased', 'tasks.succeeded', 'worker.registered', 'worker.retired'))
  execute function wake_listeners();

create table attempts (
  run bigint not null,
  step integer not null,
  kind text collate "C" not null,
  idx integer not null,
  fence bigint not null,
  task_id bigint not null,
  worker text collate "C" not null,
  slot integer,
  leased_at bigint not null,
  started_at bigint,
  ended_at bigint not null,
  outcome text collate "C" not null,
  reason text,
  delay_ms bigint,
  from_sequence bigint not null,
  from_read bigint not null,
  checkpoints integer not null,
  checkpointed_at bigint,
  read bigint not null,
  primary key (run, step, kind, idx, fence)
);

create view history as
  select run, step, kind, idx, fence, task_id, worker, slot, leased_at, started_at, ended_at, outcome, reason, delay_ms,
    from_sequence, from_read, checkpoints, checkpointed_at, read
  from attempts
  union all
  select run, step, kind, idx, fence - 1 + fence % 2 as fence, task_id, worker_was as worker, slot, leased_at, started_at,
    ended_at, outcome, reason, delay_ms, from_sequence, from_read, checkpoints, checkpointed_at, attempt_read as read
  from tasks where leased_at is not null;

${postgresGuard('runs', RUN_TRANSITIONS)}
${postgresGuard('steps', STEP_TRANSITIONS)}
${postgresGuard('tasks', TASK_TRANSITIONS)}
`
