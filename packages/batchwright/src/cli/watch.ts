/** Shows a run while it is worked on: a live block on a terminal, sparse lines elsewhere, nothing with `--json`. */
import type { ProgressFeed } from '../engine/index.ts'
import type { Clock, Timer } from '../kernel/clock.ts'
import type { RunRow, Store } from '../store/contract.ts'
import { LiveBlock } from './live-block.ts'
import type { RunProgress } from './progress.ts'
import { ProgressWatch } from './progress.ts'
import type { RangeProgress, SlowPartition } from './render/live.ts'
import { liveLines } from './render/live.ts'
import { plainLines } from './render/plain.ts'
import { duration } from './render/text.ts'
import type { Terminal } from './terminal.ts'
import type { StepView } from './view.ts'
import { runTitle } from './view.ts'

/** Between two frames of the block: fast enough for its sign to turn smoothly. */
const FRAME_MS = 100
/** Frames between two looks into the store. */
const FRAMES_PER_LOOK = 2
/** Between two looks for plain lines. */
const LOOK_MS = 500
/** Between two progress lines of the same step where there is no terminal. */
const SPARSE_MS = 10_000

export interface Watch {
  /** A line above the block, or among the plain lines. */
  say(lines: readonly string[]): void
  /** A sentence under the block until another one, or null for none: `stopping at the next commit`. */
  remark(note: string | null): void
  /** From now on, what this worker's attempts say between checkpoints is shown too. */
  follow(feed: ProgressFeed): void
  /** Partitions that took much longer than their finished siblings, of those that were watched to their end. */
  slow(): readonly SlowPartition[]
  /** Stops watching; the block goes, the last changes are told. */
  stop(): Promise<void>
}

export interface WatchOptions {
  /** Where the run is one of a range of windows: how far that is when the run begins. */
  readonly range?: Omit<RangeProgress, 'leftMs'> & { readonly leftMs: (elapsedMs: number) => number | null }
  /** No live block, whatever the terminal: the user's own code may write to it. */
  readonly plain?: boolean
}

export function watchRun(
  store: Store,
  run: RunRow,
  terminal: Terminal,
  clock: Clock,
  options: WatchOptions = {},
): Watch {
  return new RunWatch(store, run, terminal, clock, options)
}

class RunWatch implements Watch {
  readonly #run: RunRow
  readonly #terminal: Terminal
  readonly #clock: Clock
  readonly #options: WatchOptions
  readonly #progress: ProgressWatch
  readonly #block: LiveBlock | null
  readonly #began: number
  readonly #stopResizing: () => void
  #timer: Timer | null = null
  #looking: Promise<void> = Promise.resolve()
  #stopped = false
  #note: string | null = null
  #seen: RunProgress | null = null
  #before: readonly StepView[] = []
  #tick = 0
  #lastProgress: number

  constructor(store: Store, run: RunRow, terminal: Terminal, clock: Clock, options: WatchOptions) {
    this.#run = run
    this.#terminal = terminal
    this.#clock = clock
    this.#options = options
    this.#progress = new ProgressWatch(store, run.runId)
    this.#block = terminal.liveHeight === null || options.plain === true ? null : new LiveBlock(terminal)
    this.#began = clock.monotonic()
    this.#lastProgress = this.#began
    this.#stopResizing = terminal.onResize(() => {
      this.#draw()
    })
    if (terminal.json) return
    if (this.#block === null) this.#later()
    else this.#look()
  }

  say(lines: readonly string[]): void {
    if (this.#block === null) this.#terminal.note(lines)
    else this.#block.say(lines)
  }

  remark(note: string | null): void {
    if (note === this.#note) return
    this.#note = note
    if (this.#block !== null) this.#draw()
    else if (note !== null) this.#terminal.note([note])
  }

  follow(feed: ProgressFeed): void {
    this.#progress.follow(feed)
  }

  slow(): readonly SlowPartition[] {
    return this.#progress.slowFinished(this.#clock.monotonic())
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.stop()
    this.#stopResizing()
    await this.#looking
    if (this.#block !== null) this.#block.clear()
    else if (!this.#terminal.json) await this.#lookNow()
  }

  #look(): void {
    this.#looking = this.#lookNow()
      // A store that cannot answer now is asked again: the worker reports trouble that matters.
      .catch(() => undefined)
      .finally(() => {
        if (!this.#stopped) this.#later()
      })
  }

  #later(): void {
    this.#timer = this.#clock.after(this.#block === null ? LOOK_MS : FRAME_MS, () => {
      this.#tick += 1
      if (this.#block === null || this.#tick % FRAMES_PER_LOOK === 0) {
        this.#look()
        return
      }
      this.#draw()
      this.#later()
    })
  }

  async #lookNow(): Promise<void> {
    this.#seen = await this.#progress.look(this.#clock.monotonic())
    if (this.#block === null) this.#tell(this.#seen)
    else this.#draw()
    this.#before = this.#seen.steps
  }

  #draw(): void {
    const { liveHeight, liveWidth, paintNotes } = this.#terminal
    if (this.#block === null || this.#seen === null || this.#stopped || liveHeight === null) return
    const elapsedMs = this.#clock.monotonic() - this.#began
    const { range } = this.#options
    const view = {
      title: runTitle(this.#run),
      runId: this.#run.runId,
      note: this.#note ?? retryNote(this.#seen),
      elapsedMs,
      now: this.#clock.now(),
      tick: this.#tick,
      range: range === undefined ? null : { ...range, leftMs: range.leftMs(elapsedMs) },
      steps: this.#seen.steps,
      slow: this.#seen.slow,
    }
    this.#block.update(liveLines(view, { width: liveWidth, height: liveHeight, paint: paintNotes }))
  }

  #tell({ steps }: RunProgress): void {
    const now = this.#clock.monotonic()
    const progress = now - this.#lastProgress >= SPARSE_MS
    if (progress) this.#lastProgress = now
    this.#terminal.note(plainLines(this.#before, { title: runTitle(this.#run), steps }, progress))
  }
}

function retryNote({ nextRetryMs }: RunProgress): string | null {
  return nextRetryMs === null || nextRetryMs <= 0 ? null : `waiting: the next attempt is in ${duration(nextRetryMs)}`
}
