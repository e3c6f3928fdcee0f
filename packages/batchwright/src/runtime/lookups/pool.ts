import { partitionOpener } from '../../data/index.ts'
import { Fault, type LookupDefinition, type LookupTable } from '../../job/index.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { PartitionAssignment } from '../../protocol/index.ts'
import type { Stops } from '../stop.ts'
import { readLookupPlan, type LookupInput } from './plan.ts'
import { RowTable } from './table.ts'

interface Loaded {
  readonly table: LookupTable
  /** Of input, uncompressed. */
  readonly bytes: number
}

/** Bytes of input whose tables a slot keeps for attempts to come; what the attempt under way uses is kept in any case. */
const KEPT_BYTES = 32_000_000

const WHOLE_FILES = { by: 'file', size: null, count: null, key: null } as const

/** The slot's lookup tables: loaded with the first attempt that uses them, kept while the snapshot is the same. */
export class LookupPool {
  /** By what a table is made of; the least recently used first. */
  readonly #loaded = new Map<string, Loaded>()

  /**
   * The tables of a step, by name, as the attempt's plan has fixed them. Throws LOOKUP_DUPLICATE, LOOKUP_RECORD_INVALID,
   * LOOKUP_TOO_LARGE, INPUT_CHANGED.
   */
  async use(
    lookups: ReadonlyMap<string, LookupDefinition>,
    assignment: PartitionAssignment,
    stops: Stops,
  ): Promise<Readonly<Record<string, LookupTable>>> {
    if (lookups.size === 0) return {}
    const { partition, folders, step } = assignment
    if (partition.lookups === undefined) throw notPlanned(step)
    const inputs = await readLookupPlan(folders.run, partition.lookups)
    const wanted = [...lookups].map(([name, lookup]) => {
      const input = inputs[name]
      if (input === undefined) throw notPlanned(step)
      return { name, lookup, input, key: identityOf(lookup, input, assignment) }
    })
    this.#makeRoom(wanted)
    const tables: Record<string, LookupTable> = {}
    for (const { name, lookup, input, key } of wanted) {
      const loaded = this.#loaded.get(key) ?? (await load({ name, lookup, input }, assignment, stops))
      this.#loaded.delete(key)
      this.#loaded.set(key, loaded)
      tables[name] = loaded.table
    }
    return tables
  }

  /** Before anything is loaded: a table that nobody uses must not lie beside one that takes its place. */
  #makeRoom(wanted: readonly (Pick<Loading, 'input'> & { readonly key: string })[]): void {
    const used = new Set(wanted.map(({ key }) => key))
    const coming = wanted.filter(({ key }) => !this.#loaded.has(key))
    let bytes = [...this.#loaded.values()].reduce((sum, loaded) => sum + loaded.bytes, 0)
    for (const { input } of coming) for (const partition of input.partitions) bytes += partition.bytes ?? 0
    for (const [key, loaded] of this.#loaded) {
      if (bytes <= KEPT_BYTES) return
      if (used.has(key)) continue
      this.#loaded.delete(key)
      bytes -= loaded.bytes
    }
  }
}

/** Equal for tables that are equal: the same bytes, read by the same code, found by the same key. */
function identityOf(
  { dataset, by, duplicates }: LookupDefinition,
  { digest }: LookupInput,
  { artifact, folders, run }: PartitionAssignment,
): string {
  return JSON.stringify([folders.project, run.job, artifact.codeVersion, dataset.name, by, duplicates, digest])
}

interface Loading {
  readonly name: string
  readonly lookup: LookupDefinition
  readonly input: LookupInput
}

async function load(
  { name, lookup, input }: Loading,
  { folders, step }: PartitionAssignment,
  stops: Stops,
): Promise<Loaded> {
  const place = `step ${step}, lookup ${name}`
  const open = partitionOpener({ dataset: lookup.dataset, policy: WHOLE_FILES, folders })
  const table = new RowTable(name, lookup)
  let bytes = 0
  for (const partition of input.partitions) {
    const reader = await open(partition, null)
    try {
      for (let batch = await reader.read(); batch !== null; batch = await reader.read()) {
        stops.hard.throwIfAborted()
        bytes += batch.bytes
        if (bytes > lookup.limitBytes) throw tooLarge(place, lookup)
        for (const [index, row] of batch.records.entries()) {
          if (row instanceof Fault) throw invalid(place, row, batch.locate(index))
          if (!table.add(row)) throw duplicate(place, lookup, row, batch.locate(index))
        }
      }
    } finally {
      await reader.close()
    }
  }
  table.seal()
  return { table, bytes }
}

interface Place {
  readonly source: string
  readonly record: number
}

function invalid(place: string, fault: Fault, { source, record }: Place): BatchwrightError {
  return new BatchwrightError({
    code: 'LOOKUP_RECORD_INVALID',
    message: `${place}: record ${record} of ${source} does not meet its contract: ${fault.message}`,
    hint: 'A lookup must be whole: mend the data, or the contract of its dataset.',
    details: { source, record, reason: fault.reason, column: fault.column },
  })
}

function duplicate(
  place: string,
  { by, dataset }: LookupDefinition,
  row: object,
  { source, record }: Place,
): BatchwrightError {
  const key = by.map((field) => `${field} ${shown(Reflect.get(row, field))}`).join(', ')
  return new BatchwrightError({
    code: 'LOOKUP_DUPLICATE',
    message: `${place}: expected one row of dataset ${dataset.name} for each ${by.join(', ')}, found a second one for ${key}: record ${record} of ${source}`,
    hint: "Mend the data; or say what several rows mean: lookup(..., { duplicates: 'first', 'last' or 'list' }).",
    details: { source, record, by: [...by] },
  })
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

function tooLarge(place: string, { dataset, limitBytes }: LookupDefinition): BatchwrightError {
  return new BatchwrightError({
    code: 'LOOKUP_TOO_LARGE',
    message: `${place}: expected dataset ${dataset.name} to have at most ${limitBytes} bytes, found more`,
    hint: 'Raise `limit` of the lookup and give slots more memory with --slot-memory; or bring the two together by key in a reduce or sql step.',
    details: { dataset: dataset.name, limit: limitBytes },
  })
}

function notPlanned(step: string): BatchwrightError {
  return new BatchwrightError({
    code: 'PLAN_DAMAGED',
    message: `step ${step}: expected its plan to list the inputs of its lookups, found none`,
    hint: 'The step got its lookups after it was planned: start a new revision with `batchwright rerun JOB`.',
    details: { step },
  })
}
