import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../../../test/postgres/index.ts'
import { systemClock } from '../../kernel/clock.ts'
import { newRun, newWorker, partitions, plan, step } from '../conformance/world.ts'
import { countQuery, eventsQuery } from '../sql/events.ts'
import { attemptsQuery } from '../sql/histories.ts'
import { DUE, openLanesQuery } from '../sql/lanes.ts'
import { queuedSteps } from '../sql/queued.ts'
import { tasksQuery } from '../sql/reads.ts'
import { NEWEST } from './changes.ts'
import { HEADS, LEASE, LEASE_AGAIN, SETTLE } from './claim.ts'
import { POSTGRES } from './dialect.ts'
import { openPostgresStore } from './open.ts'
import { NUMBER, UNNUMBERED } from './outbox.ts'
import { numberNames } from './session.ts'
import { ADD, CHECKPOINT, START, SUCCEED } from './sets.ts'

let database: TestDatabase
let client: pg.Client

/** Finished tasks, with their outputs and what was told of them: enough that a plan that reads them all is not the cheapest. */
const FINISHED = 60_000

const FILL = `
  insert into tasks (run, step, kind, idx, state, fence, label, worker_was, leased_at, ended_at, outcome)
    select run, 0, 'partition', n, 'succeeded', 2, 'old', 'w', 1, 2, 'succeeded'
    from runs, generate_series(0, ${FINISHED - 1}) n where run_id = 'old';
  insert into outputs select task_id, '{}' from tasks where label = 'old';
  insert into attempts select run, step, kind, idx, 1, task_id, 'w', null, 1, null, 2, 'crashed', null, null, 0, 0, 0, null, 0
    from tasks where label = 'old';
  insert into events (sequence, at, run_id, step, type, data)
    select 1000000 + n, 1, 'old', 'a', case n % 2 when 0 then 'tasks.succeeded' else 'task.retried' end, '{}'
    from generate_series(1, ${FINISHED}) n;`

beforeAll(async () => {
  database = await createDatabase({ durable: false })
  const store = await openPostgresStore({ url: database.url, clock: systemClock })
  client = new pg.Client({ connectionString: database.url })
  await client.connect()
  await client.query('set search_path to batchwright, pg_catalog')
  // Statistics stay those of the moment that each group of tests makes.
  for (const table of ['tasks', 'outputs', 'attempts', 'events', 'steps', 'runs', 'checkpoints']) {
    await client.query(`alter table ${table} set (autovacuum_enabled = off)`)
  }
  await store.createRun(newRun('old', [step('a')]))
  await store.createRun(newRun('new', [step('a')]))
  await store.registerWorker(newWorker('w'))
  const [task] = await store.claim({ workerId: 'w', claimId: 'c', limit: 1, runs: ['new'] })
  if (task === undefined) throw new Error('expected the plan task')
  await store.addPartitions(task, partitions(3000))
  await store.finish([{ ...task, end: { kind: 'planned', plan: plan(3000) } }])
  await client.query(`update runs set state = 'failed' where run_id = 'old' and state = 'running'`)
  await client.query('analyze')
  await client.query(FILL)
  await store.close()
})
afterAll(async () => {
  await client.end()
  await database.drop()
})

interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly Plans?: readonly PlanNode[]
}

function nodesOf(node: PlanNode): readonly PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)]
}

/**
 * The plan for values that are not known, as the store's transactions ask for it; as `table by index`. Of a scan by bitmap, the
 * part that reads the index says which.
 */
async function planOf(sql: string): Promise<readonly string[]> {
  await client.query('begin; set local enable_seqscan to off; set local plan_cache_mode to force_generic_plan')
  const { rows } = await client.query<{ 'QUERY PLAN': readonly { readonly Plan: PlanNode }[] }>(
    `explain (generic_plan, format json) ${numberNames(sql).text}`,
  )
  await client.query('rollback')
  const [found] = rows[0]?.['QUERY PLAN'] ?? []
  if (found === undefined) throw new Error('expected a plan')
  const nodes = nodesOf(found.Plan)
  const reads = nodes.filter(
    (node) =>
      /Scan$/.test(node['Node Type']) &&
      node['Node Type'] !== 'Bitmap Heap Scan' &&
      BIG.has(node['Relation Name'] ?? nameOfIndex(node)),
  )
  return reads.map(
    (node) => `${node['Relation Name'] ?? nameOfIndex(node)} by ${node['Index Name'] ?? node['Node Type']}`,
  )
}

const BIG = new Set(['tasks', 'outputs', 'attempts', 'events', 'checkpoints'])
/** A scan of an index for a bitmap names no table. */
function nameOfIndex(node: PlanNode): string {
  return (node['Index Name'] ?? '').split('_')[0] ?? ''
}

const CLAIM = { heads: HEADS, lease: LEASE, 'lease again': LEASE_AGAIN, settle: SETTLE, due: DUE }

/** Each hot statement, and all that it may read of the large tables. */
const HOT: readonly (readonly [string, string, readonly string[]])[] = [
  ['the heads of a claim', CLAIM.heads, ['tasks by tasks_claimable']],
  ['the leases of a claim', CLAIM.lease, ['tasks by tasks_pkey']],
  ['the look whether a step has more', CLAIM.settle, ['tasks by tasks_claimable']],
  ['tasks that become due', CLAIM.due, ['tasks by tasks_deferred']],
  ['open lanes', openLanesQuery(POSTGRES), []],
  ['steps of a lane', queuedSteps(POSTGRES), []],
  ['a start', START, ['tasks by tasks_pkey']],
  ['a finish', SUCCEED, ['tasks by tasks_pkey']],
  ['a plan', ADD, []],
  ['whether events have no number', UNNUMBERED, ['events by events_unnumbered', 'events by events_sequence_key']],
  ['the newest event that wakes', NEWEST, ['events by events_waking']],
  ['what a worker holds', 'select count(*) from tasks where worker = :workerId', ['tasks by tasks_held']],
  ['what was claimed', 'select 1 from tasks where worker = :workerId and claim = :claimId', ['tasks by tasks_held']],
  [
    'a page of tasks',
    tasksQuery(POSTGRES, { step: 'a' }, false),
    ['tasks by tasks_place', 'checkpoints by checkpoints_pkey', 'outputs by outputs_pkey'],
  ],
  [
    'attempts of a task',
    attemptsQuery(POSTGRES, { step: 'a', kind: 'partition', index: 7 }),
    ['attempts by attempts_pkey', 'tasks by tasks_place', 'tasks by tasks_pkey'],
  ],
  [
    'what was decided in a run',
    eventsQuery(POSTGRES, { runId: 'new', types: ['task.retried'] }),
    ['events by events_told', 'events by events_of_run'],
  ],
  ['how often it was', countQuery(POSTGRES), ['events by events_told']],
]

const STATISTICS: Readonly<Record<string, string>> = {
  'of a time when nothing was finished': 'select 1',
  fresh: 'analyze',
  'of a time when the tables were empty': `update pg_class set reltuples = 0, relpages = 0
    where relnamespace = 'batchwright'::regnamespace`,
  'of none': `delete from pg_statistic where starelid in (select oid from pg_class where relnamespace = 'batchwright'::regnamespace);
    update pg_class set reltuples = -1, relpages = 0 where relnamespace = 'batchwright'::regnamespace`,
}

for (const [kind, prepare] of Object.entries(STATISTICS)) {
  describe(`with statistics ${kind}`, () => {
    beforeAll(async () => {
      await client.query(prepare)
    })

    it.each(HOT)('%s reads by its index alone', async (_name, sql, allowed) => {
      const reads = await planOf(sql)
      expect(reads.filter((read) => !allowed.includes(read))).toEqual([])
      if (allowed.length > 0) expect(reads.length).toBeGreaterThan(0)
    })

    it('a checkpoint and the numbering of events find their rows by key', async () => {
      expect(new Set(await planOf(CHECKPOINT))).toEqual(new Set(['tasks by tasks_pkey']))
      const numbering = await planOf(NUMBER)
      for (const read of numbering) expect(read).toMatch(/^events by events_(unnumbered|pkey|sequence_key)$/)
    })
  })
}
