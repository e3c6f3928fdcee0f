import type { Migration } from './migration.ts'

/** What the fleet shares of services, effects outside that happen at most once, and when retries of a run are due. */
const SQLITE = `
create table services (
  service text primary key,
  rules text not null,
  -- when the next slot of its rate is due, microseconds
  next_slot integer not null default 0,
  breaker text not null,
  -- stands in breaker, too: steps that use the service are not claimed before. 0 while it is closed
  closed_lanes_until integer not null default 0,
  health text not null,
  paused_until integer not null default 0,
  asked_at integer not null
) strict, without rowid;

create table service_holders (
  service text not null,
  worker text not null,
  held integer not null,
  wanted integer not null,
  primary key (service, worker)
) strict, without rowid;

create table step_services (
  run integer not null,
  step integer not null,
  service text not null,
  primary key (run, step, service)
) strict, without rowid;

create table effects (
  scope text not null,
  key text not null,
  state text not null check (state in ('intended', 'doubtful', 'asked', 'again', 'done')),
  -- who intends it, or did
  task_id integer not null,
  fence integer not null,
  -- the task that waits for an answer
  waiting integer,
  run_id text not null,
  step text not null,
  outcome text,
  -- who says that it is done, where it was not the effect itself
  settled_by text,
  intended_at integer not null,
  settled_at integer,
  primary key (scope, key)
) strict, without rowid;
create index effects_open on effects (state, intended_at) where state <> 'done';
create index effects_waiting on effects (waiting) where waiting is not null;

alter table runs add column retries_due text;
`

const POSTGRES = `
create table services (
  service text collate "C" primary key,
  rules text not null,
  next_slot bigint not null default 0,
  breaker text not null,
  closed_lanes_until bigint not null default 0,
  health text not null,
  paused_until bigint not null default 0,
  asked_at bigint not null
) with (fillfactor = 50);

create table service_holders (
  service text collate "C" not null,
  worker text collate "C" not null,
  held integer not null,
  wanted integer not null,
  primary key (service, worker)
) with (fillfactor = 50);

create table step_services (
  run bigint not null,
  step integer not null,
  service text collate "C" not null,
  primary key (run, step, service)
);

create table effects (
  scope text collate "C" not null,
  key text collate "C" not null,
  state text not null check (state in ('intended', 'doubtful', 'asked', 'again', 'done')),
  task_id bigint not null,
  fence bigint not null,
  waiting bigint,
  run_id text not null,
  step text not null,
  outcome text,
  settled_by text,
  intended_at bigint not null,
  settled_at bigint,
  primary key (scope, key)
);
create index effects_open on effects (state, intended_at) where state <> 'done';
create index effects_waiting on effects (waiting) where waiting is not null;

alter table runs add column retries_due text;
`

export const SERVICES: Migration = {
  version: 4,
  name: 'services, effects, retries',
  oldestCompatible: 1,
  sqlite: SQLITE,
  postgres: POSTGRES,
}
