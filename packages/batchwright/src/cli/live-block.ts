import { displayWidth } from './render/text.ts'

/** Where a block is drawn. Its width is asked anew each time, since people resize windows. */
export interface Canvas {
  readonly liveWidth: number
  /** Raw text, written at once. */
  draw(text: string): void
  /** Hides the cursor until it is shown again, or the process ends, however it ends. */
  hideCursor(): void
  showCursor(): void
}

const CLEAR_LINE_END = '\x1b[K'
const CLEAR_BELOW = '\x1b[J'
/** Terminals that know it show everything between at once; the others ignore it. */
const BEGIN_FRAME = '\x1b[?2026h'
const END_FRAME = '\x1b[?2026l'

/**
 * Lines that are drawn over again in place. Each frame is one write that overwrites and never clears first, so that nothing
 * flickers; lines said in between scroll away above it. Where nothing has changed, nothing is written.
 */
export class LiveBlock {
  readonly #canvas: Canvas
  #drawn: readonly string[] = []
  #drawnAt = 0
  #shown = false

  constructor(canvas: Canvas) {
    this.#canvas = canvas
  }

  /** Shows these lines in the block's place. */
  update(lines: readonly string[]): void {
    const width = this.#canvas.liveWidth
    const same = lines.length === this.#drawn.length && lines.every((line, index) => line === this.#drawn[index])
    if (!same || width !== this.#drawnAt) this.#frame([], lines)
  }

  /** Writes lines above the block, for good. */
  say(lines: readonly string[]): void {
    if (lines.length > 0) this.#frame(lines, this.#drawn)
  }

  /** Takes the block away. */
  clear(): void {
    if (this.#drawn.length > 0) this.#frame([], [])
    if (this.#shown) this.#canvas.showCursor()
    this.#shown = false
  }

  #frame(said: readonly string[], lines: readonly string[]): void {
    if (!this.#shown) this.#canvas.hideCursor()
    this.#shown = true
    const body = [...said, ...lines].map((line) => `${line}${CLEAR_LINE_END}\n`).join('')
    this.#canvas.draw(`${BEGIN_FRAME}${this.#backToTop()}${body}${CLEAR_BELOW}${END_FRAME}`)
    this.#drawn = lines
    this.#drawnAt = this.#canvas.liveWidth
  }

  /** A window that was made narrower has wrapped the lines that stand there. */
  #backToTop(): string {
    // One column more than lines may take is there.
    const width = this.#canvas.liveWidth + 1
    const rows = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(displayWidth(line) / width)), 0)
    return rows === 0 ? '\r' : `\r\x1b[${rows}A`
  }
}
