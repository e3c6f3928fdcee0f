import path from 'node:path'
import { expect, test } from 'vitest'
import { Decimal } from '../../kernel/decimal.ts'
import type { PartitionPolicy } from '../../job/model.ts'
import type { StepOutput, TaskOutput } from '../../protocol/index.ts'
import { NO_COUNTERS } from '../../protocol/index.ts'
import { openBlockSink } from '../blocks/block-sink.ts'
import { readExactJson } from '../formats/exact-json.ts'
import { readCut } from '../fixtures/cutting.ts'
import { AUTO, FilesProject, readPartition } from '../fixtures/files-project.ts'
import { partitionOpener } from './open-partition.ts'
import { planUpstream } from './plan-upstream.ts'

/** A finished step: each task wrote `sizes[index]` records, `{ n, customer, amount }`, ten at a time. */
async function finishedStep(project: FilesProject, sizes: readonly number[], everyCommit = 30): Promise<StepOutput> {
  let n = 0
  const tasks: { index: number; output: TaskOutput }[] = []
  for (const [index, size] of sizes.entries()) {
    const folder = path.join(project.folders.run, 'rate', `${index}-f1`)
    const sink = await openBlockSink({
      folder,
      name: 'inside',
      codeVersion: 'c',
      resume: null,
      buckets: 1,
      bucketOf: null,
    })
    for (let written = 0; written < size; written += 10) {
      const records = Array.from({ length: Math.min(10, size - written) }, () => {
        n += 1
        return { n, customer: `customer ${n % 7}`, amount: Decimal.of(BigInt(n), 2) }
      })
      await sink.write(records)
      if (written % everyCommit === 0) await sink.commit()
    }
    const output = {
      counters: NO_COUNTERS,
      controls: {},
      outputs: { inside: await sink.finish() },
      deadLetters: [],
      result: null,
    }
    tasks.push({ index, output })
  }
  return { step: 'rate', tasks }
}

const SIZES = [25, 0, 103, 7]
const TOTAL = 135

function numbers(seen: readonly { readonly record: object }[]): unknown[] {
  return seen.map(({ record }) => 'n' in record && record.n)
}

test('what a step left is read in order of its tasks, and again from any position', async () => {
  await using project = await FilesProject.create()
  const upstream = await finishedStep(project, SIZES)
  for (const policy of [AUTO, { ...AUTO, by: 'file' as const }, { ...AUTO, by: 'rows' as const, size: 30 }]) {
    const planned = await planUpstream({ upstream, policy, step: 'next', folders: project.folders })
    const open = partitionOpener({ dataset: null, policy, folders: project.folders })
    const all: unknown[] = []
    for (const partition of planned.partitions) {
      const whole = await readPartition(open, partition)
      expect(whole.length).toBe(partition.records)
      all.push(...numbers(whole))
      for (const [at, { after }] of whole.entries()) {
        expect(await readPartition(open, partition, after)).toEqual(whole.slice(at + 1))
      }
    }
    expect(all).toEqual(Array.from({ length: TOTAL }, (_, index) => index + 1))
  }
})

test('a partition of a step, cut after any of its records and again, is read like the uncut one', async () => {
  await using project = await FilesProject.create()
  const upstream = await finishedStep(project, SIZES)
  const planned = await planUpstream({ upstream, policy: AUTO, step: 'next', folders: project.folders })
  const open = partitionOpener({ dataset: null, policy: AUTO, folders: project.folders })
  const [partition] = planned.partitions
  const whole = await readPartition(open, partition!)
  const uncut = await readCut(open, partition!, [])
  for (let after = 1; after < TOTAL - 1; after += 1) {
    const again = { after: after + 1, pieces: 2 }
    const reading = await readCut(open, partition!, [{ after, pieces: 3 }, again])
    expect(reading.seen).toEqual(whole)
    expect(reading.bytes).toBe(uncut.bytes)
    expect(reading.planned).toEqual(reading.sizes)
  }
})

test('a record says which task it came from, and its raw text reads back as the same record', async () => {
  await using project = await FilesProject.create()
  const upstream = await finishedStep(project, SIZES)
  const planned = await planUpstream({ upstream, policy: AUTO, step: 'next', folders: project.folders })
  const [partition] = planned.partitions
  const seen = await readPartition(
    partitionOpener({ dataset: null, policy: AUTO, folders: project.folders }),
    partition!,
  )
  expect(seen[26]?.place).toEqual({ source: 'rate/2', windowKey: null, record: 2, offset: null })
  for (const { record, raw } of seen) expect(readExactJson(raw)).toEqual(record)
})

test('partitions by key hold each record once, all records of a key in the same one', async () => {
  await using project = await FilesProject.create()
  const upstream = await finishedStep(project, SIZES)
  const policy: PartitionPolicy = {
    by: 'keyHash',
    size: null,
    count: 3,
    key: (record) => ('customer' in record ? String(record.customer) : ''),
  }
  const planned = await planUpstream({ upstream, policy, step: 'next', folders: project.folders })
  const open = partitionOpener({ dataset: null, policy, folders: project.folders })
  const shares = await Promise.all(planned.partitions.map((partition) => readPartition(open, partition)))
  expect(shares.length).toBe(3)
  expect(new Set(shares.flatMap(numbers)).size).toBe(TOTAL)
  expect(shares.flat().length).toBe(TOTAL)
  const homes = new Map<unknown, Set<number>>()
  for (const [share, seen] of shares.entries()) {
    for (const { record } of seen) {
      const key = policy.key?.(record)
      homes.set(key, (homes.get(key) ?? new Set()).add(share))
    }
  }
  expect([...homes.values()].every((home) => home.size === 1)).toBe(true)
})

test('a step whose task left no such output is an error that names the task', async () => {
  await using project = await FilesProject.create()
  const upstream = await finishedStep(project, [3])
  const request = { upstream, output: 'shuffle:x', policy: AUTO, step: 'next', folders: project.folders }
  await expect(planUpstream(request)).rejects.toMatchObject({ code: 'UPSTREAM_OUTPUT_MISSING' })
})

test('records of a step have the same names wherever its attempts were killed: commits do not show in them', async () => {
  const digestsOf = async (everyCommit: number, lineage: string): Promise<readonly string[]> => {
    await using project = await FilesProject.create()
    const { folders } = project
    const upstream = await finishedStep(project, SIZES, everyCommit)
    const planned = await planUpstream({ upstream, policy: AUTO, step: 'score', folders, lineage })
    const open = partitionOpener({ dataset: null, policy: AUTO, folders })
    const found: string[] = []
    for (const partition of planned.partitions) {
      const reader = await open(partition, null)
      for (let batch = await reader.read(); batch !== null; batch = await reader.read()) found.push(batch.digest)
      await reader.close()
    }
    return [...new Set(found)]
  }
  const digests = await digestsOf(30, 'snapshot')
  expect(digests).toHaveLength(SIZES.filter((size) => size > 0).length)
  expect(await digestsOf(10, 'snapshot')).toEqual(digests)
  expect(await digestsOf(30, 'another')).not.toEqual(digests)
})
