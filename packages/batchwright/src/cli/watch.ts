/** Shows a run while it is worked on: a live block on a terminal, sparse lines elsewhere, nothing with `--json`. */
import type { Clock, Timer } from '../kernel/clock.ts'
import type { RunRow, Store } from '../store/contract.ts'
import { LiveBlock } from './live-block.ts'
import type { LiveView } from './render/live.ts'
import { liveLines, plainLines } from './render/live.ts'
import { SpeedMeter } from './render/speed.ts'
import type { Terminal } from './terminal.ts'
import type { StepView } from './view.ts'
import { runTitle, stepView } from './view.ts'

/** Between two frames of the block, and between two looks for plain lines. */
const FRAME_MS = 200
const LOOK_MS = 500
/** Between two progress lines of the same step where there is no terminal. */
const SPARSE_MS = 10_000

export interface Watch {
  /** A line above the block, or among the plain lines. */
  say(lines: readonly string[]): void
  /** A sentence under the block until the end: `stopping at the next commit`. */
  remark(note: string): void
  /** Stops watching; the block goes, the last changes are told. */
  stop(): Promise<void>
}

export function watchRun(store: Store, run: RunRow, terminal: Terminal, clock: Clock): Watch {
  return new RunWatch(store, run, terminal, clock)
}

class RunWatch implements Watch {
  readonly #store: Store
  readonly #run: RunRow
  readonly #terminal: Terminal
  readonly #clock: Clock
  readonly #meter = new SpeedMeter()
  readonly #block: LiveBlock | null
  readonly #began: number
  #timer: Timer | null = null
  #looking: Promise<void> = Promise.resolve()
  #stopped = false
  #note: string | null = null
  #before: readonly StepView[] = []
  #lastProgress: number

  constructor(store: Store, run: RunRow, terminal: Terminal, clock: Clock) {
    this.#store = store
    this.#run = run
    this.#terminal = terminal
    this.#clock = clock
    this.#block = terminal.liveHeight === null ? null : new LiveBlock(terminal)
    this.#began = clock.monotonic()
    this.#lastProgress = this.#began
    if (!terminal.json) this.#later()
  }

  say(lines: readonly string[]): void {
    if (this.#block === null) this.#terminal.note(lines)
    else this.#block.say(lines)
  }

  remark(note: string): void {
    this.#note = note
    if (this.#block === null) this.#terminal.note([note])
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.stop()
    await this.#looking
    if (this.#block !== null) this.#block.clear()
    else if (!this.#terminal.json) await this.#look()
  }

  #later(): void {
    this.#timer = this.#clock.after(this.#block === null ? LOOK_MS : FRAME_MS, () => {
      this.#looking = this.#look()
        // A store that cannot answer now is asked again: the worker reports trouble that matters.
        .catch(() => undefined)
        .finally(() => {
          if (!this.#stopped) this.#later()
        })
    })
  }

  async #look(): Promise<void> {
    const rows = await this.#store.listSteps(this.#run.runId)
    const now = this.#clock.monotonic()
    const steps = [...rows]
      .sort((left, right) => left.order - right.order)
      .map(stepView)
      .map((step) => ({ ...step, speed: this.#meter.measure(step, now) }))
    this.#show({ title: runTitle(this.#run), note: this.#note, elapsedMs: now - this.#began, steps }, now)
    this.#before = steps
  }

  #show(view: LiveView, now: number): void {
    const { liveHeight, liveWidth, paintNotes } = this.#terminal
    if (this.#block !== null && liveHeight !== null) {
      this.#block.update(liveLines(view, { width: liveWidth, height: liveHeight, paint: paintNotes }))
      return
    }
    const progress = now - this.#lastProgress >= SPARSE_MS
    if (progress) this.#lastProgress = now
    this.#terminal.note(plainLines(this.#before, view, progress))
  }
}
