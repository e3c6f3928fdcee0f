import type { KeyedState, RecordsStep } from '../../job/index.ts'
import { BatchwrightError, type JsonValue } from '../../kernel/errors.ts'
import type { Checkpoint, SinkState } from '../../protocol/index.ts'
import { isJsonObject } from '../json.ts'
import { Seen } from './distinct.ts'
import { StateTable } from './keyed-state.ts'

/** Outputs of a checkpoint that hold a step's state begin with it. */
export const STATE_PREFIX = 'state:'
const KEYED = `${STATE_PREFIX}keyed`

/** What a records step remembers from record to record: its distincts, and its keyed state. */
export class StepState {
  readonly seen: ReadonlyMap<number, Seen>
  readonly #table: StateTable
  readonly #version: number

  private constructor(seen: ReadonlyMap<number, Seen>, table: StateTable, version: number) {
    this.seen = seen
    this.#table = table
    this.#version = version
  }

  /** Throws STATE_VERSION where the checkpoint was made by another version of the step's state; STATE_LOST, STATE_DAMAGED. */
  static async open(step: RecordsStep, folder: string, checkpoint: Checkpoint | null): Promise<StepState> {
    const files = checkpoint === null ? null : readState(step, checkpoint.state)
    const seen = new Map<number, Seen>()
    for (const [place, operation] of step.operations.entries()) {
      if (operation.operation !== 'distinct') continue
      const name = `distinct-${place}`
      const log = checkpoint?.outputs[STATE_PREFIX + name]
      const resume = log === undefined ? null : { log, file: files?.[name] ?? null }
      seen.set(place, await Seen.open(operation.within, { folder, name, resume }))
    }
    const table = await StateTable.open(folder, checkpoint?.outputs[KEYED] ?? null)
    return new StepState(seen, table, step.stateVersion)
  }

  get keyed(): KeyedState {
    return this.#table
  }

  /** The next records come from this file. */
  enter(file: string): void {
    for (const seen of this.seen.values()) seen.enter(file)
  }

  /** Bounds what is held back in memory between commits. Not while a commit is under way. */
  async relieve(): Promise<void> {
    for (const seen of this.seen.values()) await seen.relieve()
  }

  /** What a checkpoint says of the state beside its files; by value, at the time of the call. */
  describe(): JsonValue {
    const files = [...this.seen].map(([place, seen]) => [`distinct-${place}`, seen.file] as const)
    return { version: this.#version, files: Object.fromEntries(files) }
  }

  /** The state's files, durable, as outputs of a checkpoint. */
  async commit(): Promise<Readonly<Record<string, SinkState>>> {
    const logs = [...this.seen].map(([place, seen]) => [`${STATE_PREFIX}distinct-${place}`, seen.commit()] as const)
    const all = [...logs, [KEYED, this.#table.commit()] as const]
    const states = await Promise.all(all.map(async ([name, state]) => [name, await state] as const))
    return Object.fromEntries(states.filter(([, state]) => state.open !== null))
  }

  async close(): Promise<void> {
    for (const seen of this.seen.values()) await seen.close()
    await this.#table.close()
  }
}

/** The file that each distinct was in, by name. */
function readState(step: RecordsStep, state: JsonValue): Readonly<Record<string, string | null>> {
  if (!isJsonObject(state)) return {}
  const version = state['version']
  if (version !== step.stateVersion) {
    throw new BatchwrightError({
      code: 'STATE_VERSION',
      message: `step ${step.name}: expected a checkpoint with state version ${step.stateVersion}, found ${JSON.stringify(version)}`,
      hint: 'Run the partition from its start (`batchwright retry RUN --step STEP --partition PARTITION`), or with the code that made the checkpoint (`batchwright retry RUN --code pinned`).',
      details: { step: step.name, expected: step.stateVersion, found: version ?? null },
    })
  }
  const files = state['files']
  if (files === undefined || !isJsonObject(files)) return {}
  return Object.fromEntries(Object.entries(files).map(([name, file]) => [name, typeof file === 'string' ? file : null]))
}
