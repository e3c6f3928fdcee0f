import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { writePlanFile, type PlannedInput } from '../../data/index.ts'
import type { LookupDefinition } from '../../job/index.ts'
import { canonicalJson, sha256 } from '../../kernel/digest.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { PartitionPlan } from '../../protocol/index.ts'
import { readOwnJson } from '../json.ts'

/** The planned input of one lookup, as the plan file keeps it. */
export interface LookupInput {
  /** Stands for the content of all its files, in their order. */
  readonly digest: string
  readonly partitions: readonly PartitionPlan[]
}

/** Where a partition's plan says that the inputs of the step's lookups are listed. */
export type LookupReference = NonNullable<PartitionPlan['lookups']>

/** Keeps the inputs of a step's lookups, by name, in one plan file: the same whenever the step is planned again. */
export async function writeLookupPlan(
  runFolder: string,
  step: string,
  inputs: ReadonlyMap<string, PlannedInput>,
): Promise<LookupReference> {
  const listed = [...inputs].map(([name, { files, partitions }]): readonly [string, LookupInput] => [
    name,
    { digest: sha256(canonicalJson(files.map((file) => [file.path, file.sha256]))), partitions },
  ])
  const text = Buffer.from(JSON.stringify(Object.fromEntries(listed)))
  return { path: await writePlanFile(runFolder, step, 'lookups', [text]), sha256: sha256(text) }
}

/** Throws PLAN_DAMAGED. */
export async function readLookupPlan(
  runFolder: string,
  reference: LookupReference,
): Promise<Readonly<Record<string, LookupInput>>> {
  const file = path.join(runFolder, reference.path)
  const text = await readFile(file, 'utf8')
  if (sha256(text) === reference.sha256) return readOwnJson<Readonly<Record<string, LookupInput>>>(text)
  throw new BatchwrightError({
    code: 'PLAN_DAMAGED',
    message: `expected the plan file ${file} as it was written, found other bytes`,
    hint: 'Plan the step again: `batchwright retry RUN --from STEP`.',
    details: { path: file },
  })
}

/** Refuses at planning what is too large to be held, before any slot runs out of memory on it. Throws LOOKUP_TOO_LARGE. */
export function checkBounds(
  step: string,
  name: string,
  lookup: LookupDefinition,
  { files, partitions }: PlannedInput,
): void {
  const rows = files.reduce((sum, file) => sum + file.records, 0)
  const bytes = partitions.reduce((sum, partition) => sum + (partition.bytes ?? 0), 0)
  if (rows > lookup.limitRows) throw tooLarge(step, name, lookup, `${lookup.limitRows} rows`, `${rows}`)
  if (bytes > lookup.limitBytes) throw tooLarge(step, name, lookup, `${lookup.limitBytes} bytes`, `${bytes}`)
}

function tooLarge(
  step: string,
  name: string,
  { dataset }: LookupDefinition,
  expected: string,
  found: string,
): BatchwrightError {
  return new BatchwrightError({
    code: 'LOOKUP_TOO_LARGE',
    message: `step ${step}, lookup ${name}: expected dataset ${dataset.name} to have at most ${expected}, found ${found}`,
    hint:
      'Every slot holds it in memory, at several times its size. Raise `limit` or `rows` of the lookup and give slots more with ' +
      '--slot-memory; or bring the two together by key in a reduce or sql step.',
    details: { step, lookup: name, dataset: dataset.name },
  })
}
