/** Disks that are full or read-only, under the published data and under the state: said as such, nothing lost, gone on with. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { mountSmall } from '../harness/file-system.ts'
import type { Mounted } from '../harness/file-system.ts'
import type { Finished, TestProject } from '../harness/project.ts'
import {
  DAY,
  expectTold,
  INPUT,
  orders,
  ordersJob,
  project,
  publishedFiles,
  RUN,
  succeeded,
} from '../harness/project.ts'

const ORDERS = 40_000
const OFTEN = '.commit({ chunk: 1000, everyChunks: 5 })'
const RERUN = ['rerun', 'orders', '--window', DAY]

let undisturbed: string

function shop(): TestProject {
  return project({ 'jobs/orders.ts': ordersJob({ policies: OFTEN }), [INPUT]: orders(ORDERS) })
}

/** The current version, as its readers get it. */
async function published(mounted: Pick<Mounted, 'cli'>): Promise<string> {
  return succeeded(await mounted.cli('datasets', 'cat', 'clean', '--window', DAY)).stdout
}

beforeAll(async () => {
  const made = shop()
  succeeded(await made.cli(...RUN))
  undisturbed = await published(made)
})

describe('the disk of the published data', () => {
  test('full: the run fails with the path and keeps its checkpoint; after making room the same command goes on', async () => {
    const made = shop()
    await using mounted = await mountSmall(made, 'out', '600k')
    const full = await mounted.cli(...RUN)
    expect(full.code).toBe(1)
    expectTold(full, [
      /expected room to write \S+\/out\/clean\/\S+, found the disk, the quota or the limit on file sizes exhausted/,
      'Free some space, then run the job again',
      'DISK_FULL',
    ])
    expect(await mounted.shell('find out -name "*.json"')).toBe('')
    await mounted.shell('mount -o remount,size=20m out')
    const again = succeeded(await mounted.cli(...RUN))
    expect(again.stderr).toContain('going on from its checkpoints')
    expect(await published(mounted)).toBe(undisturbed)
    expect(await mounted.shell('find out -path "*.staging*" -type f')).toBe('')
  })

  test('full on a rerun: the version published before stays the current one', async () => {
    const made = shop()
    await using mounted = await mountSmall(made, 'out', '1m')
    succeeded(await mounted.cli(...RUN))
    const full = await mounted.cli(...RERUN)
    expect(full.code).toBe(1)
    expectTold(full, ['DISK_FULL'])
    expect(await published(mounted)).toBe(undisturbed)
  })

  test('read-only: the run fails with the path that refuses; once it can be written the same command goes on', async () => {
    const made = shop()
    await using mounted = await mountSmall(made, 'out', '20m')
    await mounted.shell('mount -o remount,ro out')
    expectReadOnly(await mounted.cli(...RUN))
    await mounted.shell('mount -o remount,rw out')
    succeeded(await mounted.cli(...RUN))
    expect(await published(mounted)).toBe(undisturbed)
    await mounted.shell('mount -o remount,ro out')
    const rerun = await mounted.cli(...RERUN)
    expectReadOnly(rerun)
    expect(rerun.stdout).toContain(`orders ${DAY} r2  failed`)
    expect(await published(mounted)).toBe(undisturbed)
  })
})

function expectReadOnly(finished: Finished): void {
  expect(finished.code).toBe(1)
  expectTold(finished, [
    /expected to be able to write \S+\/out\/clean\S*, found that the file system is mounted read-only \(EROFS\)/,
    'mounted read-only',
    'OUTPUT_UNWRITABLE',
  ])
}

describe('the disk of the state', () => {
  test('full before the run: refused with the path; after making room the same command runs', async () => {
    const made = shop()
    await using mounted = await mountSmall(made, '.batchwright', '1m')
    await fill(mounted)
    const full = await mounted.cli(...RUN)
    expect(full.code).toBe(1)
    expectTold(full, [/expected room to write \S+\/\.batchwright\//, 'DISK_FULL'])
    await mounted.shell('rm .batchwright/ballast; mount -o remount,size=20m .batchwright')
    succeeded(await mounted.cli(...RUN))
    expect(await published(made)).toBe(undisturbed)
  })

  test('full under a run: it says so and waits; after making room it goes on by itself', async () => {
    const made = shop()
    await using mounted = await mountSmall(made, '.batchwright', '520k')
    const { child, finished } = mounted.start(...RUN)
    await untilSaid(child.stderr, 'the disk, or the quota of the store, is full')
    await mounted.shell('mount -o remount,size=20m .batchwright')
    succeeded(await finished)
    expect(await published(made)).toBe(undisturbed)
  })

  test('full under a run that is ended there: the same command goes on after making room', async () => {
    const made = shop()
    await using mounted = await mountSmall(made, '.batchwright', '520k')
    const { child, finished } = mounted.start(...RUN)
    await untilSaid(child.stderr, 'the disk, or the quota of the store, is full')
    child.kill('SIGKILL')
    await finished
    expect(publishedFiles(made)).toEqual([])
    await mounted.shell('mount -o remount,size=20m .batchwright')
    succeeded(await mounted.cli(...RUN))
    expect(await published(made)).toBe(undisturbed)
  })

  test('read-only: refused with the path that refuses', async () => {
    const made = shop()
    await using mounted = await mountSmall(made, '.batchwright', '20m')
    await mounted.shell('mount -o remount,ro .batchwright')
    const refused = await mounted.cli(...RUN)
    expect(refused.code).toBe(1)
    expectTold(refused, [/expected to be able to write \S+\/\.batchwright\//, 'OUTPUT_UNWRITABLE'])
    expect(readFileSync(path.join(made.folder, INPUT), 'utf8')).toBe(orders(ORDERS))
  })
})

async function fill(mounted: Mounted): Promise<void> {
  await mounted.shell('dd if=/dev/zero of=.batchwright/ballast bs=1k 2>/dev/null || true')
}

async function untilSaid(stream: NodeJS.ReadableStream | null, text: string): Promise<void> {
  let said = ''
  await new Promise<void>((resolve, reject) => {
    stream?.on('data', (piece: Buffer) => {
      said += String(piece)
      if (said.includes(text)) resolve()
    })
    stream?.once('end', () => {
      reject(new Error(`ended without saying ${JSON.stringify(text)}:\n${said}`))
    })
  })
}
