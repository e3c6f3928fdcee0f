import { open } from 'node:fs/promises'
import path from 'node:path'
import { writePlanFile } from '../../data/index.ts'
import { shuffleKey, type ReduceStep } from '../../job/index.ts'
import { sha256 } from '../../kernel/digest.ts'
import { BatchwrightError, type JsonValue } from '../../kernel/errors.ts'
import { isJsonObject, readOwnJson } from '../json.ts'
import type { BlockEntry, Folders, Part, PartitionPlan, StepOutput } from '../../protocol/index.ts'

/** What a bucket's partition says: which piece of the plan file lists its parts. */
interface BucketPayload {
  readonly kind: 'bucket'
  readonly bucket: number
  /** Relative to the run's folder. */
  readonly path: string
  readonly offset: number
  readonly bytes: number
  readonly sha256: string
}

/**
 * One partition for each bucket that has records: the parts of all upstream tasks in order, each with the blocks of that
 * bucket. Their lists are one plan file, the same whenever the step is planned again.
 */
export async function planReduce(
  step: ReduceStep,
  upstream: StepOutput,
  folders: Folders,
): Promise<readonly PartitionPlan[]> {
  const buckets = [...bucketsOf(step, upstream)].sort(([a], [b]) => a - b)
  const pieces = buckets.map(([, parts]) => Buffer.from(JSON.stringify(parts)))
  if (pieces.length === 0) return []
  const file = await writePlanFile(folders.run, step.name, 'buckets', pieces)
  let offset = 0
  return buckets.map(([bucket, parts], index) => {
    const piece = pieces[index] ?? Buffer.alloc(0)
    const payload = bucketPiece({ bucket, path: file, offset, piece })
    offset += piece.length
    return {
      index,
      payload,
      label: `bucket ${bucket + 1}/${step.buckets}`,
      records: total(parts, (block) => block.records),
      bytes: total(parts, (block) => block.bytes),
    }
  })
}

function bucketsOf(step: ReduceStep, upstream: StepOutput): ReadonlyMap<number, readonly Part[]> {
  const buckets = new Map<number, Part[]>()
  const tasks = [...upstream.tasks].sort((a, b) => a.index - b.index)
  for (const { index, output } of tasks) {
    const parts = output.outputs[shuffleKey(step.name)]
    if (parts === undefined) throw outputMissing(step, upstream.step, index)
    for (const part of parts) {
      for (const [bucket, blocks] of blocksByBucket(part)) {
        const list = buckets.get(bucket)
        if (list === undefined) buckets.set(bucket, [{ ...part, blocks }])
        else list.push({ ...part, blocks })
      }
    }
  }
  return buckets
}

function blocksByBucket(part: Part): ReadonlyMap<number, readonly BlockEntry[]> {
  return Map.groupBy(part.blocks ?? [], (block) => block.bucket)
}

function total(parts: readonly Part[], of: (block: BlockEntry) => number): number {
  return parts.reduce((sum, part) => sum + (part.blocks ?? []).reduce((inner, block) => inner + of(block), 0), 0)
}

function outputMissing(step: ReduceStep, upstream: string, index: number): BatchwrightError {
  return new BatchwrightError({
    code: 'OUTPUT_MISSING',
    message: `reduce ${step.name}: expected task ${index} of step ${upstream} to have left records for it, found none`,
    hint: `Run it again with the code that runs now: \`batchwright retry RUN --from ${upstream}\`.`,
    details: { step: step.name, upstream, task: index },
  })
}

/** The payload of a partition whose parts are listed in a piece of a plan file. */
export function bucketPiece({
  bucket,
  path: file,
  offset,
  piece,
}: Pick<BucketPayload, 'bucket' | 'path' | 'offset'> & { readonly piece: Uint8Array }): JsonValue {
  return { kind: 'bucket', bucket, path: file, offset, bytes: piece.length, sha256: sha256(piece) }
}

/** The bucket that a partition folds. Throws PARTITION_UNKNOWN. */
export function bucketOf(payload: JsonValue): number {
  return bucketPayload(payload).bucket
}

/** The parts of a bucket's partition. Throws PARTITION_UNKNOWN, PLAN_DAMAGED. */
export async function readBucket(payload: JsonValue, folders: Folders): Promise<readonly Part[]> {
  const piece = bucketPayload(payload)
  const file = path.join(folders.run, piece.path)
  const handle = await open(file, 'r')
  try {
    const bytes = Buffer.alloc(piece.bytes)
    await handle.read(bytes, 0, piece.bytes, piece.offset)
    if (sha256(bytes) === piece.sha256) return readOwnJson<readonly Part[]>(bytes.toString('utf8'))
  } finally {
    await handle.close()
  }
  throw new BatchwrightError({
    code: 'PLAN_DAMAGED',
    message: `expected the plan file ${file} as it was written, found other bytes from ${piece.offset} on`,
    hint: 'Plan the step again: `batchwright retry RUN --from STEP`.',
    details: { path: file },
  })
}

function bucketPayload(payload: JsonValue): BucketPayload {
  if (isJsonObject(payload) && payload['kind'] === 'bucket') {
    const { bucket, path: file, offset, bytes, sha256: digest } = payload
    if (
      typeof bucket === 'number' &&
      typeof file === 'string' &&
      typeof offset === 'number' &&
      typeof bytes === 'number' &&
      typeof digest === 'string'
    ) {
      return { kind: 'bucket', bucket, path: file, offset, bytes, sha256: digest }
    }
  }
  throw new BatchwrightError({
    code: 'PARTITION_UNKNOWN',
    message: `expected a partition of a reduce step, found ${JSON.stringify(payload).slice(0, 200)}`,
    hint: 'Plan the step again with the code that runs it: `batchwright retry RUN --from STEP`.',
  })
}
