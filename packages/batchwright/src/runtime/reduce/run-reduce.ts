import type { ProcessContext, ReduceStep } from '../../job/index.ts'
import { BatchwrightError, type JsonValue } from '../../kernel/errors.ts'
import { failPoint } from '../../kernel/failpoint.ts'
import type { AttemptEnd, AttemptPort, Checkpoint, Part, PartitionAssignment, SinkState } from '../../protocol/index.ts'
import { NO_COUNTERS } from '../../protocol/index.ts'
import { NO_STATE, RecordContext, type ContextBase } from '../context.ts'
import { attemptFolders, type AttemptFolders } from '../folders.ts'
import type { SlotHost } from '../host.ts'
import { isJsonObject } from '../json.ts'
import { onceOf } from '../fleet/once.ts'
import { portLog } from '../log.ts'
import { Committer, type Capture } from '../records/committer.ts'
import { Controls } from '../records/controls.ts'
import type { TransactionalSink } from '../../data/index.ts'
import { FRESH, isLost } from '../records/lost.ts'
import { openOutputs, type OpenOutputs } from '../records/open-outputs.ts'
import { isThenable, readResult } from '../records/operations.ts'
import { sealedBytes, stagedBytes } from '../records/staged-bytes.ts'
import { Tally } from '../records/tally.ts'
import type { UsedServices } from '../services.ts'
import { openUsed } from '../used.ts'
import { Stops } from '../stop.ts'
import { openStepTable, type Standing } from '../tables.ts'
import { callable } from '../user-function.ts'
import { foldBucket, foldFailed, type Folded } from './fold.ts'
import { readBucket } from './plan-reduce.ts'

/** Emitting commits as the records loop does by default. */
const COMMIT = { everyChunks: 100, everyMs: 1000 }
const EMPTY: SinkState = { sealed: [], open: null }

/**
 * One bucket of a reduce step. Folding starts again with every attempt: it writes nothing that anyone could see. Emitting
 * commits: its position is the last key written, and a later attempt folds only what comes after it.
 */
export async function runReduce(
  assignment: PartitionAssignment,
  step: ReduceStep,
  port: AttemptPort,
  host: SlotHost,
): Promise<AttemptEnd> {
  const stops = new Stops(port.signal)
  try {
    const parts = await readBucket(assignment.partition.payload, assignment.folders)
    const log = portLog(port, host)
    const services = await openUsed(assignment, step, { host, stops, log })
    const context = new RecordContext(
      {
        run: assignment.run,
        use: services.clients,
        state: NO_STATE,
        signal: stops.hard,
        once: onceOf(host.line, assignment.run, host.redactor),
        log,
      },
      { locate: () => ({ source: assignment.partition.label, windowKey: null, record: 0, offset: null }) },
      0,
    )
    const start = await openStart(assignment, step, host, log)
    const emitting = new Emitting(assignment, step, port, host, stops, start, context, parts, services)
    try {
      return await emitting.run()
    } catch (thrown) {
      await emitting.abort()
      throw thrown
    }
  } finally {
    stops.release()
  }
}

/** Where an attempt starts, and its outputs, open there. */
interface Start {
  readonly checkpoint: Checkpoint | null
  /** Sequence of the task's last checkpoint. */
  readonly sequence: number
  readonly folders: AttemptFolders
  readonly sinks: OpenOutputs
  /** The table that the step writes; null where it writes none. */
  readonly table: TransactionalSink | null
}

/** Opens the outputs at the last checkpoint, or at the beginning where what it names is gone. */
async function openStart(
  assignment: PartitionAssignment,
  step: ReduceStep,
  host: SlotHost,
  log: ContextBase['log'],
): Promise<Start> {
  const { artifact } = assignment
  const openAt = async (from: Standing & { readonly lost?: BatchwrightError }, sitting: number): Promise<Start> => {
    const folders = attemptFolders(assignment, sitting)
    const opened = await openStepTable(assignment, step, host, from)
    const { checkpoint, sequence } = opened?.from ?? from
    const table = opened?.sink ?? null
    try {
      const states = checkpoint?.outputs ?? {}
      const sinks = await openOutputs(step, { folders, codeVersion: artifact.codeVersion, states, table })
      return { checkpoint, sequence, folders, sinks, table }
    } catch (thrown) {
      await table?.abort()
      throw thrown
    }
  }
  const { checkpoint } = assignment
  const sequence = checkpoint?.sequence ?? 0
  try {
    return await openAt({ checkpoint, sequence }, 0)
  } catch (thrown) {
    if (checkpoint === null || !isLost(thrown)) throw thrown
    log('warn', `starting the partition again: ${thrown.message}`, { code: thrown.code })
    return openAt({ checkpoint: null, sequence, lost: thrown }, FRESH)
  }
}

class Emitting {
  readonly #assignment: PartitionAssignment
  readonly #step: ReduceStep
  readonly #stops: Stops
  readonly #sinks: OpenOutputs
  readonly #table: TransactionalSink | null
  /** For runs on disk. */
  readonly #folder: string
  readonly #context: ProcessContext
  readonly #finishKey: (state: unknown, key: string, context: ProcessContext) => unknown
  readonly #parts: readonly Part[]
  readonly #services: UsedServices
  readonly #tally: Tally
  readonly #controls: Controls
  readonly #committer: Committer
  #after: string | null

  constructor(
    assignment: PartitionAssignment,
    step: ReduceStep,
    port: AttemptPort,
    host: SlotHost,
    stops: Stops,
    start: Start,
    context: ProcessContext,
    parts: readonly Part[],
    services: UsedServices,
  ) {
    const { checkpoint, sequence, folders, sinks, table } = start
    this.#assignment = assignment
    this.#step = step
    this.#stops = stops
    this.#sinks = sinks
    this.#table = table
    this.#folder = folders.private
    this.#context = context
    this.#finishKey = callable<[unknown, string, ProcessContext]>(step.fold.finish)
    this.#parts = parts
    this.#services = services
    this.#tally = new Tally(checkpoint?.counters ?? NO_COUNTERS)
    this.#controls = new Controls(step.controls, checkpoint?.controls ?? {})
    this.#committer = new Committer(port, host.clock, COMMIT, {
      last: checkpoint,
      sequence,
    })
    this.#after = readPosition(checkpoint?.position ?? null)
    const blocks = parts.flatMap((part) => part.blocks ?? [])
    this.#tally.read = blocks.reduce((sum, block) => sum + block.records, 0)
    this.#tally.accepted = this.#tally.read
    this.#tally.bytesRead = blocks.reduce((sum, block) => sum + block.bytes, 0)
  }

  async run(): Promise<AttemptEnd> {
    const folded = foldBucket({
      step: this.#step,
      parts: this.#parts,
      after: this.#after,
      folder: this.#folder,
      codeVersion: this.#assignment.artifact.codeVersion,
      pulse: () => {
        if (this.#stops.asked()) throw new GiveBack()
      },
    })
    try {
      for await (const keys of folded) {
        if (this.#stops.asked()) throw new GiveBack()
        await this.#emit(keys)
      }
    } catch (thrown) {
      if (thrown instanceof GiveBack) return this.#giveBack()
      throw thrown
    }
    return this.#finish()
  }

  async abort(): Promise<void> {
    await Promise.allSettled([this.#committer.writable(), this.#committer.settled()])
    await this.#sinks.outputs.abort()
  }

  async #emit(keys: readonly Folded[]): Promise<void> {
    await this.#services.look()
    const outputs: object[] = []
    const owners: string[] = []
    for (const { key, state } of keys) {
      for (const record of await this.#recordsOf(key, state)) {
        outputs.push(record)
        owners.push(key)
      }
    }
    await this.#committer.writable()
    const failing = { at: 0 }
    try {
      for (const buckets of this.#sinks.buckets) buckets.prepare(outputs, failing)
      const sums = this.#controls.sums(outputs, failing)
      await this.#sinks.outputs.writeAll(outputs, failing)
      this.#controls.add(sums)
    } catch (thrown) {
      const key = owners[failing.at]
      throw key === undefined || isStorage(thrown) ? thrown : foldFailed(this.#step.name, 'finish', key, thrown)
    }
    this.#tally.written += outputs.length
    this.#after = keys.at(-1)?.key ?? this.#after
    if (this.#committer.due()) await this.#committer.begin(this.#capture)
  }

  /** What `finish` makes of a key: one record, several, or none. */
  async #recordsOf(key: string, state: unknown): Promise<readonly object[]> {
    try {
      const given = this.#finishKey(state, key, this.#context)
      const result = readResult(isThenable(given) ? await this.#stops.unless(given) : (given ?? []))
      if (result.kind === 'records') return result.records
      throw new BatchwrightError({
        code: 'FOLD_REJECTED',
        message: `expected finish to return records, found reject(${JSON.stringify(result.rule)})`,
        hint: 'Reject records in the step that is read, or in a records step after this one.',
      })
    } catch (thrown) {
      throw foldFailed(this.#step.name, 'finish', key, thrown)
    }
  }

  readonly #capture: Capture = async () => {
    const position = this.#after === null ? null : { after: this.#after }
    const counters = this.#tally.counters(0)
    const controls = this.#controls.totals()
    const outputs = await this.#sinks.outputs.commit()
    const captured = {
      position,
      counters: { ...counters, bytesWritten: stagedBytes(outputs) },
      controls,
      outputs,
      deadLetters: EMPTY,
      state: null,
      codeVersion: this.#assignment.artifact.codeVersion,
    }
    await this.#table?.seal({ engine: 1, sequence: this.#committer.sequence + 1, ...captured })
    return captured
  }

  async #giveBack(): Promise<AttemptEnd> {
    if (this.#committer.behind) await this.#committer.begin(this.#capture)
    await this.#committer.settled()
    await this.abort()
    return { kind: 'givenBack', counters: this.#committer.last?.counters ?? null }
  }

  async #finish(): Promise<AttemptEnd> {
    if (this.#table !== null && this.#committer.behind) await this.#committer.begin(this.#capture)
    await this.#committer.settled()
    const outputs = await this.#sinks.outputs.finish()
    failPoint('loop.finished')
    return {
      kind: 'finished',
      output: {
        counters: this.#tally.counters(sealedBytes(outputs)),
        controls: this.#controls.totals(),
        outputs,
        deadLetters: [],
        result: null,
      },
    }
  }
}

/** Leaves the fold where the attempt is asked to give back. */
class GiveBack extends Error {}

function isStorage(thrown: unknown): boolean {
  return thrown instanceof BatchwrightError
    ? thrown.code !== 'OUTPUT_INVALID'
    : thrown instanceof Error && 'syscall' in thrown
}

function readPosition(position: JsonValue): string | null {
  const after = isJsonObject(position) ? position['after'] : null
  return typeof after === 'string' ? after : null
}
