import type { Migration } from './migration.ts'

/**
 * What many machines need: who leads, the code of jobs, the storage that is common to all, and what a worker says of itself.
 */
const SQLITE = `
create table leads (
  duty text primary key,
  holder text not null,
  until integer not null
) strict, without rowid;

create table artifacts (
  code_version text primary key,
  code text not null,
  map text,
  put_at integer not null
) strict;

create table storage (
  only_row integer primary key default 1 check (only_row = 1),
  id text not null,
  state_folder text not null,
  project_folder text not null,
  host text not null,
  named_at integer not null
) strict;

alter table workers add column name text;
alter table workers add column slots integer;
alter table workers add column version text;
alter table workers add column storage text;
`

const POSTGRES = `
create table leads (
  duty text collate "C" primary key,
  holder text not null,
  until bigint not null
) with (fillfactor = 50);

create table artifacts (
  code_version text collate "C" primary key,
  code text not null,
  map text,
  put_at bigint not null
);

create table storage (
  only_row integer primary key default 1 check (only_row = 1),
  id text not null,
  state_folder text not null,
  project_folder text not null,
  host text not null,
  named_at bigint not null
);

alter table workers add column name text;
alter table workers add column slots integer;
alter table workers add column version text;
alter table workers add column storage text;
`

export const FLEET: Migration = {
  version: 6,
  name: 'leads, artifacts, storage, what workers say of themselves',
  oldestCompatible: 1,
  sqlite: SQLITE,
  postgres: POSTGRES,
}
