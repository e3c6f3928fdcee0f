import { failPoint } from '../../kernel/failpoint.ts'
import type { SinkState } from '../../protocol/index.ts'
import { canonicalText, digestInto } from './canonical-key.ts'
import { DigestSet } from './digest-set.ts'
import { StateLog } from './state-log.ts'

const DIGEST_BYTES = 16
/** Held back in memory before it is written between commits. */
const FLUSH_BYTES = 1024 * 1024

export interface DistinctState {
  readonly log: SinkState
  /** Digest of the file whose records have been seen; null within a partition, and before the first record. */
  readonly file: string | null
}

/**
 * What one `distinct` has seen: the first record of a key stays, later ones are its duplicates. Keys are kept as 128-bit
 * digests of their canonical text; the log of them is durable with each commit.
 */
export class Seen {
  readonly #within: 'file' | 'partition'
  readonly #set: DigestSet
  readonly #log: StateLog
  #file: string | null = null
  readonly #digest = new Uint32Array(4)
  readonly #digestBytes = new Uint8Array(this.#digest.buffer)

  private constructor(within: 'file' | 'partition', set: DigestSet, log: StateLog) {
    this.#within = within
    this.#set = set
    this.#log = log
  }

  static async open(
    within: 'file' | 'partition',
    options: {
      readonly folder: string
      readonly name: string
      readonly resume: DistinctState | null
      readonly memoryBytes?: number
    },
  ): Promise<Seen> {
    const set = new DigestSet(options.folder, options.memoryBytes)
    const log = new StateLog(options.folder, options.name)
    const seen = new Seen(within, set, log)
    if (options.resume !== null) {
      seen.#file = options.resume.file
      const digest = new Uint32Array(4)
      const digestBytes = new Uint8Array(digest.buffer)
      await log.resume(options.resume.log, (bytes) => {
        for (let at = 0; at < bytes.length; at += DIGEST_BYTES) {
          digestBytes.set(bytes.subarray(at, at + DIGEST_BYTES))
          set.add(digest)
        }
      })
    }
    return seen
  }

  /** Tells which file the next records come from: within a file, what was seen in another is forgotten. */
  enter(file: string): void {
    if (this.#within !== 'file' || this.#file === file) return
    if (this.#file !== null) {
      this.#set.clear()
      this.#log.restart()
    }
    this.#file = file
  }

  /** True for the first record of a key. */
  first(key: unknown): boolean {
    digestInto(canonicalText(key), this.#digest)
    if (!this.#set.add(this.#digest)) return false
    this.#log.append(this.#digestBytes)
    failPoint('loop.distinct-seen')
    return true
  }

  /** The file whose records have been seen, for the checkpoint. */
  get file(): string | null {
    return this.#file
  }

  /** Bounds what is held back between commits. Not while a commit is under way. */
  async relieve(): Promise<void> {
    if (this.#log.heldBack >= FLUSH_BYTES) await this.#log.flush()
  }

  commit(): Promise<SinkState> {
    return this.#log.commit()
  }

  async close(): Promise<void> {
    this.#set.close()
    await this.#log.close()
  }
}
