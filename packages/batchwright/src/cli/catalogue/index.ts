/**
 * The catalogue of errors: one entry for every code that Batchwright raises, and for every reason of a dead letter that
 * breaks a contract. `explain CODE` prints it, and docs/reference/errors.md is written from it. Loaded only when asked for:
 * a command that works never reads it.
 */
import { BEGINNING } from './begin.ts'
import { CHECKING } from './checking.ts'
import { DEFINITIONS } from './definitions.ts'
import type { CatalogueEntry } from './entry.ts'
import { FLEET } from './fleet.ts'
import { INPUT } from './input.ts'
import { MACHINE } from './machine.ts'
import { LOOKUPS } from './lookups.ts'
import { OUTPUT } from './output.ts'
import { POOLS } from './pools.ts'
import { POSTGRES_STORE } from './postgres.ts'
import { REASONS } from './reasons.ts'
import { RISKS } from './risks.ts'
import { RUNNING } from './running.ts'
import { SERVICES } from './services.ts'
import { STORE } from './store.ts'
import { TABLES } from './tables.ts'
import { TESTING } from './testing.ts'
import { TYPING } from './typing.ts'
import { USER_CODE } from './user-code.ts'

export type { Catalogue, CatalogueEntry } from './entry.ts'

/** Parts of the catalogue, in the order of the reference. */
export const PARTS: readonly { readonly title: string; readonly entries: Readonly<Record<string, CatalogueEntry>> }[] =
  [
    { title: 'On the command line', entries: TYPING },
    { title: 'In a job file', entries: DEFINITIONS },
    { title: 'What a run reads', entries: INPUT },
    { title: 'What your functions do', entries: USER_CODE },
    { title: 'Lookups and files', entries: LOOKUPS },
    { title: 'What a run writes and publishes', entries: OUTPUT },
    { title: 'Tables of databases', entries: TABLES },
    { title: 'Runs and attempts', entries: RUNNING },
    { title: 'The store', entries: STORE },
    { title: 'A store on PostgreSQL', entries: POSTGRES_STORE },
    { title: 'Many machines', entries: FLEET },
    { title: 'Pools and tenants', entries: POOLS },
    { title: 'Services and effects outside', entries: SERVICES },
    { title: 'Before a deploy: check and dev', entries: { ...CHECKING, ...RISKS } },
    { title: 'The machine and the project: doctor', entries: MACHINE },
    { title: 'New projects, and the debugger', entries: BEGINNING },
    { title: 'The test kit', entries: TESTING },
    { title: 'Reasons of dead letters', entries: REASONS },
  ]

/** All entries by code, or by reason. */
export const CATALOGUE: ReadonlyMap<string, CatalogueEntry> = new Map(
  PARTS.flatMap(({ entries }) => Object.entries(entries)),
)
