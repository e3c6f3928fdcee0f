import type { Migration } from './migration.ts'

/**
 * Lanes. A lane is what claims choose first: the steps of one tenant, one pool and one priority. Pools and tenants without a
 * row of their own do not exist; '' is the tenant of runs that name none, and the pool of steps that are in none.
 *
 * `steps.ready` is above 0 while tasks of the step may be had: raised whenever one becomes ready, set to 0 by the claim
 * that finds none (sql/lanes.ts says why no task can be overlooked). `steps.held`: its run is paused or has ended. So what
 * cannot be had is not in the index that claims read, however much of it there is.
 */
function tables(text: string, integer: string, real: string, end: string): string {
  return `
create table pools (
  name ${text} primary key,
  -- leases at once, over the whole fleet; null for no limit
  slots integer check (slots > 0),
  open integer not null default 1 check (open in (0, 1)),
  -- what the configuration said last: it counts again when it says something else
  configured text
)${end};

create table tenants (
  name ${text} primary key,
  weight integer not null default 1 check (weight > 0),
  -- leases at once; null for no limit
  quota integer check (quota > 0),
  -- virtual time: what it was given so far, divided by its weight; and where it stood when it was last given something
  pass ${real} not null default 0,
  served ${real} not null default 0,
  configured text
)${end};
insert into tenants (name) values ('');

create table lanes (
  lane ${integer === 'bigint' ? 'integer generated always as identity primary key' : 'integer primary key autoincrement'},
  tenant ${text} not null,
  pool ${text} not null,
  priority integer not null,
  unique (tenant, pool, priority)
)${end};
insert into lanes (tenant, pool, priority) values ('', '', 0);

alter table runs add column tenant ${text} not null default '';
alter table runs add column priority integer not null default 0;
alter table steps add column lane integer not null default 1;
-- whether the leases of its tasks are counted: those of a pool, and of tenants with a name
alter table steps add column metered integer not null default 0 check (metered in (0, 1));
alter table steps add column ready ${integer} not null default 0;
alter table steps add column held integer not null default 0 check (held in (0, 1));
-- the lane that its lease is counted in; null where leases are not counted
alter table tasks add column lane integer;

update steps set held = 1
  where run in (select run from runs where paused = 1 or state not in ('queued', 'running'));
update steps set ready = 1 where state in ('planning', 'running', 'verifying', 'publishing');

create index steps_queued on steps (lane, run, step) where ready > 0 and held = 0;
create index tasks_counted on tasks (lane) where worker is not null and lane is not null;
`
}

export const LANES: Migration = {
  version: 3,
  name: 'lanes, pools, tenants',
  // Older code would make steps that no claim finds.
  oldestCompatible: 3,
  sqlite: tables('text', 'integer', 'real', ' strict'),
  postgres: tables('text collate "C"', 'bigint', 'double precision', ' with (fillfactor = 70)'),
}
