import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../kernel/clock.ts'
import { newRun, newWorker, partitions, plan, step } from '../conformance/world.ts'
import { RUN_TRANSITIONS, STEP_TRANSITIONS, TASK_TRANSITIONS, isLegal, type Transition } from '../states.ts'
import { LEASE, leaseAgain, SETTLE, stepHead } from '../sql/claim-rows.ts'
import { countQuery, eventsQuery } from '../sql/events.ts'
import { attemptsQuery } from '../sql/histories.ts'
import { DUE, openLanesQuery } from '../sql/lanes.ts'
import { queuedSteps } from '../sql/queued.ts'
import { openSqliteStore } from './open.ts'
import { tasksQuery } from '../sql/reads.ts'
import { SQLITE } from './dialect.ts'

let folder = ''
let database: DatabaseSync

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'batchwright-store-'))
  const path = join(folder, 'store.db')
  const store = await openSqliteStore({ path, clock: systemClock })
  await store.createRun(newRun('run-1', [step('a')]))
  await store.registerWorker(newWorker('w'))
  const [task] = await store.claim({ workerId: 'w', claimId: 'c', limit: 1 })
  if (task === undefined) throw new Error('expected the plan task')
  await store.addPartitions(task, partitions(3000))
  await store.finish([{ ...task, end: { kind: 'planned', plan: plan(3000) } }])
  await store.close()
  database = new DatabaseSync(path)
  database.function('store_now', () => 0)
})
afterAll(() => {
  database.close()
  rmSync(folder, { recursive: true, force: true })
})

function planOf(sql: string): string {
  return database
    .prepare(`explain query plan ${sql}`)
    .all()
    .map((row) => String(row['detail']))
    .join('\n')
}

/** With statistics of a time when the table looked otherwise, too: all finished, all ready, none there. */
const STATISTICS: Readonly<Record<string, string>> = {
  none: 'drop table if exists sqlite_stat1',
  fresh: 'analyze',
  stale: `analyze; update sqlite_stat1 set stat = '1 1 1 1 1' where tbl = 'tasks'; analyze sqlite_schema`,
}

const FINISH = `update tasks set state = 'succeeded', fence = fence + 1 where task_id = 1 and fence = 1 and fence % 2 = 1`

for (const [kind, prepare] of Object.entries(STATISTICS)) {
  describe(`with ${kind} statistics`, () => {
    beforeAll(() => {
      if (kind === 'none') {
        const known = database.prepare(`select 1 from sqlite_schema where name = 'sqlite_stat1'`).get()
        if (known !== undefined) database.exec('delete from sqlite_stat1; analyze sqlite_schema')
      } else {
        database.exec(prepare)
      }
    })

    it('a claim reads the index of claimable tasks, in its order, and leases by primary key', () => {
      expect(planOf(stepHead(SQLITE))).toMatch(
        /^SEARCH tasks USING (COVERING )?INDEX tasks_claimable \(run=\? AND step=\? AND kind=\?\)$/,
      )
      expect(planOf(leaseAgain(SQLITE))).toContain('SEARCH tasks USING INTEGER PRIMARY KEY (rowid=?)')
      expect(planOf(LEASE)).toContain('SEARCH tasks USING INTEGER PRIMARY KEY (rowid=?)')
      expect(planOf(DUE)).toMatch(/USING (COVERING )?INDEX tasks_deferred/)
    })

    it('a claim finds lanes, and the steps of a lane, in an index of what is queued alone', () => {
      const lanes = planOf(openLanesQuery(SQLITE))
      expect(lanes.match(/INDEX steps_queued/g)?.length).toBeGreaterThanOrEqual(3)
      expect(lanes).not.toMatch(/SCAN s\b/)
      const steps = planOf(queuedSteps(SQLITE))
      expect(steps).toContain('USING INDEX steps_queued (lane=?')
      expect(steps).not.toContain('TEMP B-TREE')
      expect(planOf(SETTLE)).not.toContain('SCAN')
    })

    it('a finish goes by primary key', () => {
      expect(planOf(FINISH)).toBe('SEARCH tasks USING INTEGER PRIMARY KEY (rowid=?)')
    })

    it('a page of tasks is read in the order of an index, without sorting', () => {
      for (const filter of [{}, { step: 'a' }, { afterTaskId: 7 }, { step: 'a', kind: 'partition' as const }]) {
        const detail = planOf(tasksQuery(SQLITE, filter, 'afterTaskId' in filter))
        expect(detail).toContain('SEARCH t USING INDEX tasks_place')
        expect(detail).not.toContain('TEMP B-TREE')
        if ('afterTaskId' in filter) expect(detail).toContain('(run=? AND (step,kind,idx)>(?,?,?))')
      }
      expect(planOf(tasksQuery(SQLITE, { states: ['failed'] }, false))).toContain('tasks_failed')
    })

    it('a task finds its attempts, and a run what was decided, without reading the others', () => {
      const attempts = planOf(attemptsQuery(SQLITE, { step: 'a', kind: 'partition', index: 7 }))
      expect(attempts).toContain('SEARCH attempts USING PRIMARY KEY (run=? AND step=? AND kind=? AND idx=?)')
      const decided = { runId: 'run-1', types: ['task.retried'] }
      expect(planOf(eventsQuery(SQLITE, decided))).toContain('events_told (run_id=? AND type=?')
      expect(planOf(countQuery(SQLITE))).toContain('events_told (run_id=?)')
    })
  })
}

describe('the guard of the tables', () => {
  const tables: readonly (readonly [string, readonly Transition<string>[]])[] = [
    ['runs', RUN_TRANSITIONS],
    ['steps', STEP_TRANSITIONS],
    ['tasks', TASK_TRANSITIONS],
  ]
  for (const [name, table] of tables) {
    it(`lets exactly the arrows of the transition table through in ${name}`, () => {
      const states = [...new Set(table.flatMap(({ from, to }) => [from, to]))]
      const trigger = database
        .prepare(`select sql from sqlite_schema where type = 'trigger' and tbl_name = ?`)
        .get(name)
      database.exec(`create temp table probe_${name} (state text)`)
      database.exec(
        String(trigger?.['sql'])
          .replace('CREATE TRIGGER', 'create temp trigger')
          .replace(`${name}_transition`, `probe_${name}_transition`)
          .replace(`on ${name}`, `on probe_${name}`),
      )
      for (const from of states) {
        for (const to of states) {
          database.exec(`delete from probe_${name}; insert into probe_${name} values ('${from}')`)
          const change = (): void => {
            database.exec(`update probe_${name} set state = '${to}'`)
          }
          if (from === to || isLegal(table, from, to)) expect(change, `${from} -> ${to}`).not.toThrow()
          else expect(change, `${from} -> ${to}`).toThrow('ILLEGAL_TRANSITION')
        }
      }
    })
  }

  it('refuses a state that is none, an owner without a lease, and a lease with an even fence', () => {
    const run = `update tasks set state = 'lost' where task_id = 2`
    for (const sql of [
      run,
      `update tasks set worker = 'w' where task_id = 2`,
      `update tasks set state = 'leased', worker = 'w' where task_id = 2`,
    ]) {
      expect(() => {
        database.exec(sql)
      }, sql).toThrow(/CHECK constraint failed|ILLEGAL_TRANSITION/)
    }
  })
})
