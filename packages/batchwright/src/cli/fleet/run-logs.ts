/** The logs of the runs that a worker works on: each opened at its first line, and closed when nothing was written for a while. */
import type { AttemptLogLine } from '../../engine/index.ts'
import type { Timer } from '../../kernel/clock.ts'
import type { RunLog } from '../../observe/index.ts'
import { openRunLog } from '../../observe/index.ts'
import type { ArtifactRef } from '../../protocol/index.ts'
import { loadArtifact } from '../../runtime/index.ts'
import { redactionOf } from '../assembly.ts'
import { runFolder } from '../project.ts'
import type { Session } from '../session.ts'

/** A log that nothing was written to for this long is closed. */
const IDLE_MS = 60_000

interface OpenLog {
  readonly log: RunLog
  timer: Timer
}

export class RunLogs {
  readonly #session: Session
  readonly #onFailure: (error: unknown) => void
  readonly #open = new Map<string, OpenLog>()
  #redact: (text: string) => string = (text) => text
  readonly #learned = new Map<string, Promise<void>>()

  /** `onFailure` is told of lines that could not be written: a full disk loses log lines, not work. */
  constructor(session: Session, onFailure: (error: unknown) => void) {
    this.#session = session
    this.#onFailure = onFailure
  }

  /** Before the first attempt under some code: what its services keep secret is taken out of every line. */
  learn(artifact: ArtifactRef): Promise<void> {
    let learning = this.#learned.get(artifact.codeVersion)
    if (learning === undefined) {
      learning = this.#learn(artifact)
      this.#learned.set(artifact.codeVersion, learning)
      learning.catch(() => this.#learned.delete(artifact.codeVersion))
    }
    return learning
  }

  write({ runId, at, level, message, fields, step, index, attempt }: AttemptLogLine): void {
    const { log } = this.#opened(runId)
    log.write({ at, level, message, step, index, attempt, ...(fields === undefined ? {} : { fields }) })
  }

  /** Everything said so far is in the files when this resolves. */
  async close(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((runId) => this.#close(runId)))
  }

  async #learn(artifact: ArtifactRef): Promise<void> {
    const also = await redactionOf(await loadArtifact(artifact))
    const before = this.#redact
    this.#redact = (text) => also(before(text))
  }

  #opened(runId: string): OpenLog {
    const idle = (): Timer =>
      this.#session.clock.after(IDLE_MS, () => {
        void this.#close(runId)
      })
    const known = this.#open.get(runId)
    if (known !== undefined) {
      known.timer.stop()
      known.timer = idle()
      return known
    }
    const { clock, project } = this.#session
    const log = openRunLog({ folder: runFolder(project, runId), clock, redact: (text) => this.#redact(text) })
    const opened = { log, timer: idle() }
    this.#open.set(runId, opened)
    return opened
  }

  async #close(runId: string): Promise<void> {
    const opened = this.#open.get(runId)
    if (opened === undefined) return
    this.#open.delete(runId)
    opened.timer.stop()
    try {
      await opened.log.close()
    } catch (error) {
      this.#onFailure(error)
    }
  }
}
