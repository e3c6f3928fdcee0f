import type { ChildProcess } from 'node:child_process'
import { fork } from 'node:child_process'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../kernel/clock.ts'
import { systemClock } from '../kernel/clock.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import type { ControlGroup } from './cgroup.ts'
import { makeControlGroup, removeOrphanedGroups } from './cgroup.ts'
import type { Executor } from './contract.ts'
import type { FromSlot, LastWord, ProcessStart, ToSlot } from './messages.ts'
import { killGroup, killMarked, killOrphans, slotMark, SLOT_VARIABLE } from './process-tree.ts'
import type { Dying } from './remote.ts'
import { RemoteSlot } from './remote.ts'
import { DEFAULT_CLOSE_WITHIN_MS } from './thread.ts'

export interface ProcessExecutorOptions {
  /**
   * Most resident memory that all of a slot's process and what it has started may take, bytes, where the step does not say;
   * default 1 GiB.
   */
  readonly memoryBytes?: number
  /** Largest old generation of its heap in MB (2^20 bytes), where the step gives no memory; default what the memory leaves. */
  readonly maxOldGenerationMb?: number
  /** How long all services of a slot may take to close before it is ended with them open, milliseconds; default 30,000. */
  readonly closeWithinMs?: number
  /** Stamps what the step's code prints; default the system's clock. */
  readonly clock?: Clock
  /** A debugger that is attached stops at the first call of the job's own code in a slot. Default false. */
  readonly stopAtFirstCall?: boolean
}

const DEFAULT_MEMORY_BYTES = 2 ** 30
/** What Node, its guard and the library take beside the heap, MB (2^20 bytes). */
const BESIDE_THE_HEAP_MB = 128
const YOUNG_GENERATION_MB = 8

const ENTRY = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './process-slot.ts' : './process-slot.js', import.meta.url),
)

/**
 * Slots that are processes of their own, each leading a process group: for code that may crash, leak native memory or start
 * programs. When one dies, however it dies, all that it has started goes with it, and it goes with its worker.
 */
export function processExecutor(options: ProcessExecutorOptions = {}): Executor {
  let opened = 0
  return {
    name: 'process',
    openSlot: async (request = {}) => {
      opened += 1
      const slot = new ProcessSlot(`slot-${String(opened)}`, limitsOf(options, request.memoryBytes ?? null), options)
      await slot.ready
      return slot
    },
    sweep: () => {
      const killed = killOrphans()
      removeOrphanedGroups()
      return Promise.resolve(killed)
    },
  }
}

interface Limits {
  readonly limitBytes: number
  readonly oldGenerationMb: number
}

function limitsOf(options: ProcessExecutorOptions, asked: number | null): Limits {
  const limitBytes = asked ?? options.memoryBytes ?? DEFAULT_MEMORY_BYTES
  const limitMb = Math.floor(limitBytes / 2 ** 20)
  const left = Math.max(limitMb - BESIDE_THE_HEAP_MB, Math.floor(limitMb / 3))
  return { limitBytes, oldGenerationMb: asked === null ? (options.maxOldGenerationMb ?? left) : left }
}

class ProcessSlot extends RemoteSlot {
  readonly #child: ChildProcess
  readonly #mark: string
  readonly #group: ControlGroup | null
  readonly #limits: Limits
  #lastWord: LastWord | null = null
  /** The end of what it said on its error output: V8 tells there of a heap that is full. */
  #lastErrors = ''

  constructor(name: string, limits: Limits, options: ProcessExecutorOptions) {
    super(options.clock ?? systemClock, options.closeWithinMs ?? DEFAULT_CLOSE_WITHIN_MS)
    this.#limits = limits
    this.#mark = slotMark(name)
    this.#group = makeControlGroup(`${String(process.pid)}-${name}`, limits.limitBytes)
    const start: ProcessStart = {
      name,
      stopAtFirstCall: options.stopAtFirstCall ?? false,
      limitBytes: limits.limitBytes,
      workerPid: process.pid,
    }
    this.#child = startChild(start, limits, this.#mark)
    if (this.#child.pid !== undefined) this.#group?.add(this.#child.pid)
    this.#listen(name)
  }

  protected send(message: ToSlot): void {
    // One that is gone hears nothing; its end is told by its exit.
    if (this.#child.connected) this.#child.send(message, () => undefined)
  }

  protected kill(): void {
    if (this.#child.pid !== undefined) killGroup(this.#child.pid)
  }

  protected hold(held: boolean): void {
    const { stdout, stderr, channel, stdio } = this.#child
    for (const each of [this.#child, channel, stdout, stderr, stdio[3]]) {
      if (each === null || each === undefined || !('ref' in each) || !('unref' in each)) continue
      if (held) each.ref()
      else each.unref()
    }
  }

  #listen(name: string): void {
    const child = this.#child
    child.on('message', (message) => {
      // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- the border between processes: process-slot.ts is the only sender
      const said = message as FromSlot
      // What it printed before its end lies in the pipes by now: they are read in the turn that follows.
      if (said.kind === 'end')
        afterNextTurn(() => {
          this.received(said)
        })
      else this.received(said)
    })
    child.once('error', (error) => {
      this.dying({ how: 'uncaught-error', why: error.message, cause: error })
      if (child.pid === undefined) this.#gone(name, null)
    })
    const { stdout, stderr, stdio } = child
    if (stdout !== null) this.relay(stdout, 'info')
    if (stderr !== null) {
      this.relay(stderr, 'warn')
      stderr.on('data', (text: string) => {
        this.#lastErrors = (this.#lastErrors + text).slice(-LAST_ERRORS)
      })
    }
    const words = stdio[3]
    if (words instanceof Readable) {
      words.setEncoding('utf8')
      words.on('data', (text: string) => {
        // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- the border between processes: guard.ts is the only writer
        this.#lastWord = JSON.parse(text) as LastWord
      })
    }
    // By its exit nothing of it may be left: what it has started is ended, and the pipes that it held are closed with that.
    child.once('exit', () => {
      this.#endAll()
    })
    child.once('close', (code, signal) => {
      this.dying(this.#deathBy(code, signal))
      this.#gone(name, code)
    })
  }

  #gone(name: string, code: number | null): void {
    this.#group?.remove()
    this.exited(code, (cause) => startFailed(name, cause))
  }

  /** Ends the group, and those who have left it. */
  #endAll(): void {
    this.kill()
    for (const pid of this.#group?.members() ?? []) killOne(pid)
    killMarked((mark) => mark === this.#mark)
  }

  #deathBy(code: number | null, signal: NodeJS.Signals | null): Dying {
    const limitBytes = this.#limits.limitBytes
    const word = this.#lastWord ?? kernelsWord(this.#group, limitBytes)
    if (word !== null) return { how: 'memory-limit', why: 'its process reached its memory limit', memory: word }
    if (signal !== null && /heap out of memory|heap limit/i.test(this.#lastErrors)) {
      const heap = `a heap of ${String(this.#limits.oldGenerationMb)} MB is full`
      return { how: 'out-of-memory', why: heap }
    }
    if (signal !== null) return { how: 'signal', why: signal }
    return { how: 'process-exit', why: `exit code ${String(code)}` }
  }
}

const LAST_ERRORS = 4_000

function afterNextTurn(then: () => void): void {
  setImmediate(() => {
    setImmediate(then)
  })
}

function kernelsWord(group: ControlGroup | null, limitBytes: number): LastWord | null {
  const usedBytes = group?.exceeded() ?? null
  return usedBytes === null ? null : { limitBytes, usedBytes }
}

function killOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** Its own heap's limits and no debugger's port, which it would fight its worker for. */
function nodeOptions({ oldGenerationMb }: Limits): readonly string[] {
  const inherited = process.execArgv.filter((each) => !/^--(?:inspect|debug|max[-_](?:old|semi))/.test(each))
  return [
    ...inherited,
    `--max-old-space-size=${String(oldGenerationMb)}`,
    `--max-semi-space-size=${String(YOUNG_GENERATION_MB)}`,
  ]
}

function startChild(start: ProcessStart, limits: Limits, mark: string): ChildProcess {
  return fork(ENTRY, [JSON.stringify(start)], {
    // A group of its own, so that it can be ended whole.
    detached: true,
    serialization: 'advanced',
    execArgv: [...nodeOptions(limits)],
    env: { ...process.env, [SLOT_VARIABLE]: mark },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'ipc'],
  })
}

function startFailed(name: string, cause: unknown): BatchwrightError {
  return new BatchwrightError({
    code: 'SLOT_START_FAILED',
    message: `${name}: expected a process to start, but it ended before it was ready`,
    hint: 'The cause says what failed while it was loading.',
    retryable: true,
    cause,
  })
}
