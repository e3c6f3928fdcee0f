import { RUN_TRANSITIONS, STEP_TRANSITIONS, TASK_TRANSITIONS } from '../states.ts'
import type { Migration } from './migration.ts'
import { guard, words } from './transitions.ts'

/**
 * The tables, as the first migration makes them. The words of each state column and the guards on its changes come from the
 * one transition table.
 *
 * Run state and payload are apart: `tasks` is narrow, because claims, renewals and finishes rewrite its rows; plans,
 * checkpoints and outputs have tables of their own. PostgreSQL begins with the second migration.
 */
const SQLITE = `
create table runs (
  run integer primary key autoincrement,
  run_id text not null unique,
  job text not null,
  identity text not null,
  revision integer not null,
  state text not null check (${words('state', RUN_TRANSITIONS)}),
  paused integer not null default 0 check (paused in (0, 1)),
  window_key text,
  window_value text,
  parameters text not null,
  code_version text not null,
  artifact_path text not null,
  logical_time text not null,
  seed integer not null,
  requested_by text not null,
  replay text,
  created_at integer not null,
  started_at integer,
  ended_at integer,
  failure text,
  unique (job, identity, revision)
) strict;
create index runs_open on runs (run) where state in ('queued', 'running');

create table steps (
  run integer not null references runs (run),
  step integer not null,
  name text not null,
  kind text not null,
  comes_after text not null,
  publish text not null check (publish in ('together', 'alone', 'none')),
  state text not null check (${words('state', STEP_TRANSITIONS)}),
  -- partition tasks, and those of them that have not succeeded
  tasks integer not null default 0,
  remaining integer not null default 0,
  retries integer not null default 0,
  -- totals of the succeeded partition tasks; control totals are decimal text and never added in SQL
  counters text not null,
  controls text not null,
  -- the fence of the plan attempt that made the partitions of an unsealed plan
  planned_under integer,
  -- tasks of this step start at this fence: above all fences of tasks that were here before a restart
  fence_floor integer not null default 0 check (fence_floor % 2 = 0),
  verification text,
  verified_at integer,
  started_at integer,
  ended_at integer,
  primary key (run, step),
  unique (run, name)
) strict, without rowid;
create index steps_open on steps (run, step) where state in ('planning', 'running', 'verifying', 'publishing');

create table plans (
  run integer not null,
  step integer not null,
  -- null while the step is being planned again
  plan text,
  -- the input that the step was first planned on: a plan made again must find the same
  snapshot text,
  primary key (run, step)
) strict, without rowid;

create table tasks (
  task_id integer primary key autoincrement,
  run integer not null,
  step integer not null,
  kind text not null check (kind in ('plan', 'partition', 'verify', 'publish')),
  -- partition index; 0 for the others
  idx integer not null check (idx >= 0),
  state text not null default 'ready' check (${words('state', TASK_TRANSITIONS)}),
  -- moves whenever the task is leased and whenever a lease ends: odd while leased, even otherwise
  fence integer not null,
  worker text,
  claim text,
  started integer not null default 0 check (started in (0, 1)),
  -- renewals in a row that did not name it
  absent integer not null default 0,
  attempts_used integer not null default 0,
  crash_count integer not null default 0,
  -- 0: due. Else the time it becomes due
  not_before integer not null default 0,
  label text not null,
  partition_plan text,
  error text,
  check ((state = 'leased') = (fence % 2 = 1)),
  check ((state = 'leased') = (worker is not null))
) strict;
create unique index tasks_place on tasks (run, step, kind, idx);
-- what a claim reads: only tasks that can be had now, in the order they are had. Finished tasks are not in it
create index tasks_claimable on tasks (run, step, kind, idx) where state = 'ready' and not_before = 0;
create index tasks_deferred on tasks (not_before) where state = 'ready' and not_before > 0;
create index tasks_held on tasks (worker, run) where worker is not null;
create index tasks_failed on tasks (run, step, kind, idx) where state = 'failed';

-- checkpoints of tasks that have not succeeded; a success leaves an output instead
create table checkpoints (
  task_id integer primary key,
  run integer not null,
  step integer not null,
  sequence integer not null,
  counters text not null,
  controls text not null,
  body text not null
) strict;
create index checkpoints_of_step on checkpoints (run, step);

create table outputs (
  task_id integer primary key,
  body text not null
) strict;

create table workers (
  worker_id text primary key,
  host text not null,
  boot_id text not null,
  pid integer not null,
  process_start text not null,
  lease_ms integer not null,
  state text not null check (state in ('alive', 'dead', 'retired')),
  expires_at integer not null
) strict, without rowid;
create index workers_alive on workers (expires_at) where state = 'alive';

-- the last number given out for a dataset window; window_key is '' where the dataset has no window
create table numbers (
  dataset text not null,
  window_key text not null,
  last integer not null,
  primary key (dataset, window_key)
) strict, without rowid;

create table publications (
  dataset text not null,
  window_key text not null,
  number integer not null,
  window_value text,
  run integer,
  task_id integer,
  step text,
  rollback_to integer,
  state text not null check (state in ('intended', 'published')),
  intended_at integer not null,
  published_at integer,
  primary key (dataset, window_key, number)
) strict, without rowid;
create index publications_of_run on publications (run) where run is not null;

-- the outbox. One writer at a time, so that the order of sequence numbers is the order of commits
create table events (
  sequence integer primary key autoincrement,
  at integer not null,
  run_id text,
  step text,
  type text not null,
  data text not null
) strict;
create index events_of_run on events (run_id, sequence) where run_id is not null;

${guard('runs', RUN_TRANSITIONS)}
${guard('steps', STEP_TRANSITIONS)}
${guard('tasks', TASK_TRANSITIONS)}
`

export const BASE: Migration = {
  version: 1,
  name: 'runs, steps, tasks, workers, publications, events',
  oldestCompatible: 1,
  sqlite: SQLITE,
  postgres: null,
}
