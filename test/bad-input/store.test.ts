/** Store files that cannot be used: refused with what to do, and what is published stays readable once they are moved away. */
import { openSync, renameSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import type { TestProject } from '../harness/project.ts'
import {
  DAY,
  expectTold,
  INPUT,
  orders,
  ordersJob,
  project,
  publishedBytes,
  RUN,
  succeeded,
} from '../harness/project.ts'

const RERUN = ['rerun', 'orders', '--window', DAY]

async function published(): Promise<TestProject> {
  const made = project({ 'jobs/orders.ts': ordersJob(), [INPUT]: orders(50) })
  succeeded(await made.cli(...RUN))
  return made
}

function storeOf({ folder }: TestProject): string {
  return path.join(folder, '.batchwright/store.db')
}

const PAGE = 4096

test.each([
  [
    'garbage',
    (file: string) => {
      writeFileSync(file, 'not a store '.repeat(5000))
    },
  ],
  [
    'truncated in the middle',
    (file: string) => {
      truncateSync(file, Math.floor(statSync(file).size / PAGE / 2) * PAGE)
    },
  ],
  [
    'truncated within its first page',
    (file: string) => {
      truncateSync(file, 1000)
    },
  ],
  [
    'overwritten behind its first page',
    (file: string) => {
      const handle = openSync(file, 'r+')
      const rest = statSync(file).size - PAGE
      writeSync(handle, Buffer.alloc(rest, 0xa7), 0, rest, PAGE)
    },
  ],
])(
  'a store that is %s is refused by path; moved away, the project works on above what is published',
  async (_, damage) => {
    const made = await published()
    const before = publishedBytes(made)
    for (const suffix of ['-wal', '-shm']) rmSync(`${storeOf(made)}${suffix}`, { force: true })
    damage(storeOf(made))
    for (const command of [RUN, RERUN, ['runs'], ['dead-letters', 'list']]) {
      const refused = await made.cli(...command)
      expect(refused.code, refused.stdout).toBe(1)
      expectTold(refused, [`at ${storeOf(made)}`, 'moving it away', 'STORE_CORRUPT'])
      expect(refused.stdout).toBe('')
    }
    expect(publishedBytes(made)).toEqual(before)
    renameSync(storeOf(made), `${storeOf(made)}.damaged`)
    succeeded(await made.cli(...RUN))
    expect(publishedBytes(made)).toMatchObject(before)
    const { stdout } = succeeded(await made.cli('datasets', 'cat', 'clean'))
    expect(stdout.trimEnd().split('\n')).toHaveLength(51)
    expect(made.files(`out/clean/${DAY}/manifests/*`)).toHaveLength(2)
  },
)

test('a store of a newer version is refused, and left as it is', async () => {
  const made = await published()
  const database = new DatabaseSync(storeOf(made))
  database.exec(`insert into migrations (version, name, oldest_compatible, applied_at) values (99, 'later', 99, 0)`)
  database.close()
  for (const command of [RUN, RERUN, ['runs']]) {
    const refused = await made.cli(...command)
    expect(refused.code).toBe(1)
    expectTold(refused, [`found version 99`, storeOf(made), 'Upgrade this project', 'STORE_NEWER_VERSION'])
  }
})
