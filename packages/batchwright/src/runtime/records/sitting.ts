import {
  isConnectionLost,
  openDeadLetterSink,
  type Batch,
  type BatchReader,
  type DeadLetterSink,
  type TransactionalSink,
} from '../../data/index.ts'
import type { RecordsStep } from '../../job/index.ts'
import { failPoint } from '../../kernel/failpoint.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import type { AttemptEnd, AttemptPort, Checkpoint, PartitionAssignment, SinkState } from '../../protocol/index.ts'
import type { ContextBase } from '../context.ts'
import { FileOutputs } from '../files/file-outputs.ts'
import { RecordFiles } from '../files/record-files.ts'
import { attemptFolders } from '../folders.ts'
import type { SlotHost } from '../host.ts'
import { HttpOutput } from '../http/http-output.ts'
import type { PolicyPatience } from '../patience.ts'
import type { UsedServices } from '../services.ts'
import { AttemptStopped, type Stops } from '../stop.ts'
import type { Chunk } from './chunk.ts'
import { Committer, type Capture } from './committer.ts'
import { Controls } from './controls.ts'
import { deadLettersOf } from './dead-letters.ts'
import { Limits } from './limits.ts'
import type { NamedOutputs, NamedSums } from './named-outputs.ts'
import { openNamed, openOutputs, type OpenOutputs } from './open-outputs.ts'
import { prepareOperations } from './operations.ts'
import { Pipeline } from './pipeline.ts'
import { cutPartition, splitOf } from './splitting.ts'
import { sealedBytes, stagedBytes } from './staged-bytes.ts'
import { StepState } from './state.ts'
import type { Tally } from './tally.ts'
import type { Unwritable } from './unwritable.ts'

/** At most this often does an attempt say how far it is. */
const PROGRESS_MS = 250

/** What stays the same over all sittings of an attempt. */
export interface AttemptFrame {
  readonly assignment: PartitionAssignment
  readonly step: RecordsStep
  readonly port: AttemptPort
  readonly host: SlotHost
  readonly stops: Stops
  readonly patience: PolicyPatience
  readonly context: Omit<ContextBase, 'state'>
  readonly services: UsedServices
  readonly open: (position: JsonValue) => Promise<BatchReader>
  readonly unwritable: Unwritable
}

/** Where a sitting starts. */
export interface SittingStart {
  readonly checkpoint: Checkpoint | null
  /** Sequence of the last checkpoint of the task. */
  readonly sequence: number
  /** From 0: names the folders. */
  readonly number: number
  /** The table that the step writes, open; null where it writes none. */
  readonly table: TransactionalSink | null
  readonly tally: Tally
}

/** Everything a sitting holds open. */
interface Held {
  readonly state: StepState
  readonly sinks: OpenOutputs
  readonly named: NamedOutputs
  readonly files: FileOutputs
  readonly dead: DeadLetterSink
  readonly reader: BatchReader
  readonly table: TransactionalSink | null
}

/** What a chunk adds to the control totals. */
interface Sums {
  readonly own: ReturnType<Controls['sums']>
  readonly named: NamedSums
}

/**
 * The records loop, from one checkpoint to the end of the partition, a stop, or a failure. Read a batch, run its records
 * through the operations, write the chunk to all outputs, set its dead letters aside, count; every so often make all that
 * durable and record the position that belongs to it. What a crash takes is exactly what no checkpoint covers.
 */
export class Sitting {
  readonly #frame: AttemptFrame
  readonly #tally: Tally
  readonly #controls: Controls
  readonly #limits: Limits
  /** Null where the step writes no files. */
  readonly #files: RecordFiles | null
  readonly #pipeline: Pipeline
  /** Null where the step sends its records nowhere. */
  readonly #http: HttpOutput | null
  readonly #held: Held
  readonly #committer: Committer
  #position: JsonValue
  /** Records of the partition; null where not known. */
  #expected: number | null
  #progressAt: number

  private constructor(frame: AttemptFrame, start: SittingStart, held: Held) {
    const { step, port, host, context, patience } = frame
    this.#frame = frame
    this.#tally = start.tally
    this.#controls = new Controls(step.controls, start.checkpoint?.controls ?? {})
    this.#limits = new Limits(step, this.#tally)
    this.#files = held.files.none ? null : new RecordFiles(held.files)
    const operations = prepareOperations(step.operations, held.state.seen, this.#files)
    const files = this.#files === null ? {} : { files: this.#files }
    this.#pipeline = new Pipeline(operations, { ...context, ...files, state: held.state.keyed }, patience)
    this.#http = httpOutput(frame)
    this.#held = held
    this.#committer = new Committer(port, host.clock, step.commit, {
      last: start.checkpoint,
      sequence: start.sequence,
    })
    this.#position = start.checkpoint?.position ?? null
    this.#expected = frame.assignment.partition.records
    this.#progressAt = host.clock.monotonic()
    for (const name of held.named.names) this.#tally.give(name, 0)
    for (const name of held.files.names) this.#tally.file(name, 0)
  }

  /** Opens outputs, dead letters, state and source at the start; closes what is open where one of them fails. */
  static async open(frame: AttemptFrame, start: SittingStart): Promise<Sitting> {
    const { assignment, step } = frame
    const { checkpoint, table } = start
    const folders = attemptFolders(assignment, start.number)
    const codeVersion = assignment.artifact.codeVersion
    const closers: (() => Promise<void>)[] = table === null ? [] : [() => table.abort()]
    try {
      const state = await StepState.open(step, folders.private, checkpoint)
      closers.push(() => state.close())
      const states = checkpoint?.outputs ?? {}
      const sinks = await openOutputs(step, { folders, codeVersion, states, table })
      closers.push(() => sinks.outputs.abort())
      const controls = checkpoint?.controls ?? {}
      const named = await openNamed(step, { folders, codeVersion, states, controls, table })
      closers.push(() => named.abort())
      const files = await FileOutputs.open(step.files, { folders, codeVersion, states })
      closers.push(() => files.abort())
      const resume: SinkState | null = checkpoint?.deadLetters ?? null
      const dead = await openDeadLetterSink({ folder: folders.private, name: 'dead', codeVersion, resume })
      closers.push(() => dead.abort())
      const reader = await frame.open(checkpoint?.position ?? null)
      return new Sitting(frame, start, { state, sinks, named, files, dead, reader, table })
    } catch (thrown) {
      for (const close of closers.reverse()) await close()
      throw thrown
    }
  }

  /** The last durable checkpoint, and the sequence it has: where the next sitting starts. */
  get last(): { readonly checkpoint: Checkpoint | null; readonly sequence: number } {
    return { checkpoint: this.#committer.last, sequence: this.#committer.sequence }
  }

  /** Runs to the partition's end, or to a gentle stop. Throws what fails the attempt, AttemptStopped, Rewind. */
  async run(): Promise<AttemptEnd> {
    try {
      return await this.#toTheEnd()
    } catch (thrown) {
      if (!(thrown instanceof AttemptStopped) || thrown.stop !== 'postponed') throw thrown
      // The chunk in hand is the next attempt's; what was written before it is saved.
      return await this.#giveBack()
    }
  }

  async #toTheEnd(): Promise<AttemptEnd> {
    for (let batch = await this.#held.reader.read(); batch !== null; batch = await this.#held.reader.read()) {
      if (await this.#batch(batch)) return this.#giveBack()
    }
    if (this.#frame.stops.asked()) return this.#giveBack()
    return this.#finish()
  }

  /** Closes everything without sealing it; what is staged is the cleaner's, or the next attempt's by the last checkpoint. */
  async abort(): Promise<void> {
    const { state, sinks, named, files, dead, reader } = this.#held
    // Whatever is still under way ends before its files are closed; how it ends does not matter any more.
    await Promise.allSettled([this.#committer.writable(), this.#committer.settled()])
    await Promise.allSettled([
      sinks.outputs.abort(),
      named.abort(),
      files.abort(),
      dead.abort(),
      state.close(),
      reader.close(),
    ])
  }

  /** Works through one batch, chunk by chunk. True where the attempt was asked to give back. */
  async #batch(batch: Batch): Promise<boolean> {
    const { step, stops, unwritable, services } = this.#frame
    let size = batch.records.length
    const known = unwritable.among(batch)
    const looking = services.look()
    if (looking !== undefined) await looking
    this.#held.state.enter(batch.digest)
    if (size === 0) this.#tally.bytesRead += batch.bytes
    for (let from = 0; from < size;) {
      if (stops.asked()) return true
      const to = Math.min(from + step.commit.chunk, size)
      const chunk = await this.#pipeline.run(batch, from, to, known)
      // Functions may have made something else of a refusal: what they made of it is not written.
      stops.hard.throwIfAborted()
      await this.#committer.writable()
      await this.#write(chunk)
      this.#tally.bytesRead += bytesBefore(batch, to) - bytesBefore(batch, from)
      this.#position = batch.positionAfter(to - 1)
      if (this.#committer.due()) await this.#committer.begin(this.#capture)
      else await this.#held.state.relieve()
      this.#tellProgress()
      from = to
      size = await this.#splitWhereAsked(batch, to, size)
    }
    return stops.asked()
  }

  /**
   * Gives away what lies beyond the records taken, where it can be cut. Nothing is read on until the cut is committed: what
   * is given away has been seen by no function of the job and no sink. Answers with how many of
   * the batch's first `size` records stay.
   */
  async #splitWhereAsked(batch: Batch, taken: number, size: number): Promise<number> {
    const { step, port, assignment } = this.#frame
    const pieces = port.splits?.asked() ?? null
    if (port.splits === undefined || pieces === null) return size
    const cut = await cutPartition(step, this.#held.reader, { batch, taken, pieces })
    if ('refused' in cut) {
      port.splits.decline(cut.refused)
      return size
    }
    const split = splitOf(cut, assignment.partition)
    if (!(await this.#committer.split(this.#capture, split, port.splits))) return size
    failPoint('loop.split')
    cut.take()
    this.#expected = cut.own.records
    return cut.keep
  }

  async #write(chunk: Chunk): Promise<void> {
    const { step, host, unwritable } = this.#frame
    const { sinks, named, dead } = this.#held
    let sums = this.#examine(chunk)
    this.#limits.judge(chunk)
    const before = chunk.setAside.length
    try {
      // First, since nothing that was written can be taken back, and what the other side refuses is to be in no output.
      if (this.#http !== null) await this.#http.write(chunk)
      await sinks.outputs.write(chunk, this.#patiently)
      if (chunk.named !== null) await named.write(chunk, this.#patiently)
    } catch (thrown) {
      throw unwritable.remember(chunk.batch, thrown)
    }
    if (chunk.setAside.length !== before) {
      this.#limits.judge(chunk)
      sums = this.#examine(chunk)
    }
    if (chunk.setAside.length > 0) await dead.write(deadLettersOf(chunk, step.name, host.redactor))
    if (this.#files !== null) {
      for (const [name, count] of await this.#files.accept(chunk)) this.#tally.file(name, count)
    }
    this.#count(chunk)
    this.#controls.add(sums.own)
    named.add(sums.named)
  }

  /** Works out what user functions say of the outputs before anything is written: their failures are their records'. */
  #examine(chunk: Chunk): Sums {
    for (;;) {
      const own = this.#examineOwn(chunk)
      const named = chunk.named === null ? [] : this.#held.named.examine(chunk)
      // Null: records were set aside, and with them what their input records gave without a name.
      if (named !== null) return { own, named }
    }
  }

  #examineOwn(chunk: Chunk): ReturnType<Controls['sums']> {
    for (;;) {
      const failing = { at: 0 }
      try {
        for (const buckets of this.#held.sinks.buckets) buckets.prepare(chunk.outputs, failing)
        return this.#controls.sums(chunk.outputs, failing)
      } catch (thrown) {
        chunk.failWritten(new Map([[chunk.origins[failing.at] ?? chunk.from, thrown]]))
      }
    }
  }

  /** Tries a write again where its failure may pass. */
  readonly #patiently = async (write: () => void | Promise<void>): Promise<void> => {
    try {
      await write()
    } catch (thrown) {
      // With its connection a table's transaction went, and with it the rows before these: the sitting begins again.
      if (isConnectionLost(thrown) || !this.#frame.patience.worth(thrown)) throw thrown
      await this.#frame.patience.retry(thrown, write)
    }
  }

  #count(chunk: Chunk): void {
    const tally = this.#tally
    tally.read += chunk.read
    tally.accepted += chunk.accepted
    tally.written += chunk.outputs.length
    for (const [name, { outputs }] of chunk.named ?? []) tally.give(name, outputs.length)
    tally.dropped += chunk.dropped
    for (const aside of chunk.setAside) tally.setAside(aside.cause, aside.reason)
  }

  /** Takes position, counters, controls and state by value, now, and makes durable what belongs to them. */
  readonly #capture: Capture = async () => {
    const { sinks, named, files, dead, state, table } = this.#held
    const position = this.#position
    const counters = this.#tally.counters(0)
    const controls = { ...this.#controls.totals(), ...named.totals() }
    const described = state.describe()
    const fileBytes = files.bytes
    const [own, given, written, deadLetters, states] = await Promise.all([
      sinks.outputs.commit(),
      named.commit(),
      files.commit(),
      dead.commit(),
      state.commit(),
    ])
    const rows = { ...own, ...given }
    const captured = {
      position,
      counters: { ...counters, bytesWritten: stagedBytes(rows) + fileBytes },
      controls,
      outputs: { ...rows, ...written, ...states },
      deadLetters,
      state: described,
      codeVersion: this.#frame.assignment.artifact.codeVersion,
    }
    // Last: a table's commit names what is on disk by now. It is told what the store will be told.
    await table?.seal({ engine: 1, sequence: this.#committer.sequence + 1, ...captured })
    return captured
  }

  #tellProgress(): void {
    const { host, port } = this.#frame
    const now = host.clock.monotonic()
    if (now - this.#progressAt < PROGRESS_MS) return
    this.#progressAt = now
    const expected = this.#expected
    const fraction = expected === null || expected === 0 ? null : Math.min(1, this.#tally.read / expected)
    port.progress({ counters: this.#tally.counters(0), fraction })
  }

  async #giveBack(): Promise<AttemptEnd> {
    if (this.#committer.behind) await this.#committer.begin(this.#capture)
    await this.#committer.settled()
    await this.abort()
    return { kind: 'givenBack', counters: this.#committer.last?.counters ?? null }
  }

  async #finish(): Promise<AttemptEnd> {
    const { sinks, named, files, dead, state, reader, table } = this.#held
    // Rows of a table are there when they are committed with the position behind them.
    if (table !== null && this.#committer.behind) await this.#committer.begin(this.#capture)
    await this.#committer.settled()
    await reader.close()
    await state.close()
    const [own, given, written, deadLetters] = await Promise.all([
      sinks.outputs.finish(),
      named.finish(),
      files.finish(),
      dead.finish(),
    ])
    const rows = { ...own, ...given }
    failPoint('loop.finished')
    const bytesWritten = sealedBytes(rows) + files.bytes
    return {
      kind: 'finished',
      output: {
        counters: this.#tally.counters(bytesWritten),
        controls: { ...this.#controls.totals(), ...named.totals() },
        outputs: { ...rows, ...written },
        deadLetters,
        result: null,
      },
    }
  }
}

function httpOutput({ step, host, services, stops, patience, assignment }: AttemptFrame): HttpOutput | null {
  const { target } = step
  if (target === null) return null
  return new HttpOutput({ target, job: assignment.run.job, step: step.name, host, services, stops, patience })
}

/** Bytes of a batch before one of its records: as the source says, else the records' share of all. */
function bytesBefore(batch: Batch, index: number): number {
  const size = batch.records.length
  if (index === size) return batch.bytes
  return batch.bytesBefore?.(index) ?? Math.floor((batch.bytes * index) / size)
}
