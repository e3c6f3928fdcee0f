import type { KeyedState } from '../../job/index.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import type { SinkState } from '../../protocol/index.ts'
import { readOwnJson } from '../json.ts'
import { StateLog } from './state-log.ts'

/** Rewritten when it holds this many times more lines than keys. */
const SLACK = 4
const SMALLEST_REWRITE = 10_000

/** Keyed state of one partition: a map in memory, and a log of what was set, durable with each commit. */
export class StateTable implements KeyedState {
  readonly #values = new Map<string, JsonValue>()
  readonly #log: StateLog

  private constructor(log: StateLog) {
    this.#log = log
  }

  static async open(folder: string, resume: SinkState | null): Promise<StateTable> {
    const log = new StateLog(folder, 'keyed')
    const table = new StateTable(log)
    let text = ''
    const decoder = new TextDecoder()
    if (resume !== null) {
      await log.resume(resume, (bytes) => {
        const lines = (text + decoder.decode(bytes, { stream: true })).split('\n')
        text = lines.pop() ?? ''
        for (const line of lines) table.#remember(line)
      })
    }
    return table
  }

  get(key: string): JsonValue | undefined {
    return this.#values.get(key)
  }

  set(key: string, value: JsonValue): void {
    this.#values.set(key, value)
    this.#log.append(entry(key, value))
  }

  /** As StateLog's; a log that has grown far beyond its keys is written anew first. */
  commit(): Promise<SinkState> {
    if (this.#log.entries > SMALLEST_REWRITE && this.#log.entries > SLACK * this.#values.size) {
      this.#log.restart()
      for (const [key, value] of this.#values) this.#log.append(entry(key, value))
    }
    return this.#log.commit()
  }

  close(): Promise<void> {
    return this.#log.close()
  }

  #remember(line: string): void {
    const [key, value] = readOwnJson<[string, JsonValue]>(line)
    this.#values.set(key, value)
  }
}

function entry(key: string, value: JsonValue): Buffer {
  return Buffer.from(`${JSON.stringify([key, value])}\n`)
}
