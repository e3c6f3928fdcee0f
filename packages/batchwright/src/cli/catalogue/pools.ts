import type { Catalogue } from './entry.ts'

/** Who gets the next free slot: pools, tenants, priorities. */
export const POOLS: Catalogue = {
  PRIORITY_INVALID: {
    title: 'A priority is no whole number from -1000 to 1000',
    meaning:
      'The priority of a job, or of one run, says which run of a tenant goes first: the higher. Runs that say nothing have 0.',
    causes: ['It was written as text, with decimals, or further from 0 than 1000.'],
    remedies: ['Write a whole number: `priority: 5` in the job, or `--priority 5` for one run.'],
    example: {
      message: 'job "billing" priority: expected a whole number from -1000 to 1000, found "high"',
      remedy: 'batchwright run billing --priority 5',
    },
  },
  POOL_INVALID: {
    title: 'A pool cannot be set to this',
    meaning:
      'A pool limits how many tasks are worked on at once, over all workers. Its name and its number of places are refused as they were given; nothing was changed.',
    causes: [
      'The name has other characters than letters, digits, `-`, `_` and `.`, or is longer than 63.',
      'The number of places is 0, negative or no whole number. A pool that shall give out nothing is closed.',
    ],
    remedies: [
      'Give a whole number from 1, or `none` for no limit: `batchwright pools set NAME --slots 8`.',
      'To stop a pool: `batchwright pools close NAME`; `open` lets it go on.',
    ],
    example: {
      message: 'pool "db": expected slots as a whole number from 1 to 1000000, found 0',
      remedy: 'batchwright pools close db',
    },
  },
  TENANT_INVALID: {
    title: 'A tenant cannot be set to this',
    meaning:
      'Slots are shared between tenants by their weights, and a tenant may hold no more tasks at once than its limit. Its name, weight or limit are refused as they were given; nothing was changed.',
    causes: [
      'The weight or the limit is 0, negative or no whole number.',
      'The name has other characters than letters, digits, `-`, `_` and `.`, or is longer than 63.',
      'A limit for runs that name no tenant: their tasks are not counted.',
    ],
    remedies: [
      'Give whole numbers from 1: `batchwright tenants set NAME --weight 3 --slots 20`.',
      'Name a tenant in the job, or with `--tenant`, to limit its runs.',
    ],
    example: {
      message: 'tenant "acme": expected weight as a whole number from 1 to 1000000, found 0',
      remedy: 'batchwright tenants set acme --weight 1',
    },
  },
}
