/** Real worker processes on a project, and what can be done to them. */
import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestProject } from '../../../packages/batchwright/src/cli/fixtures/project.ts'
import type { Random } from '../../../packages/batchwright/src/kernel/random.ts'

/** Longer than a lease of two seconds: whoever sleeps so long has lost what it held. */
const STALL_MS = 3_500

/** More at a time would leave nobody to be struck. */
const MOST_STALLED = 2

/** What happened, for those who read of a failure. */
export type Deed = 'SIGKILL' | 'SIGSTOP' | 'SIGTERM'

/** A fleet of so many workers: whoever goes is replaced. */
export class Fleet {
  readonly deeds: Deed[] = []
  readonly #launch: () => ReturnType<TestProject['start']>
  readonly #workers = new Map<ChildProcess, Promise<unknown>>()
  readonly #stalled = new Set<ChildProcess>()

  constructor(launch: () => ReturnType<TestProject['start']>, size: number) {
    this.#launch = launch
    for (let count = 0; count < size; count += 1) this.#hire()
  }

  /** Does something to one of them. */
  async strike(random: Random): Promise<void> {
    const workers = [...this.#workers.keys()].filter((worker) => !this.#stalled.has(worker))
    const worker = workers[random.integer(workers.length)]
    if (worker === undefined) return
    const drawn = (['SIGKILL', 'SIGKILL', 'SIGSTOP', 'SIGTERM'] as const)[random.integer(4)] ?? 'SIGKILL'
    const deed = drawn === 'SIGSTOP' && this.#stalled.size >= MOST_STALLED ? 'SIGKILL' : drawn
    this.deeds.push(deed)
    worker.kill(deed)
    if (deed === 'SIGSTOP') this.#wakeLater(worker)
    else {
      this.#workers.delete(worker)
      this.#hire()
    }
    await sleep(300 + random.integer(900))
  }

  /** Lets all of them go on, and sends them away in good order. Resolves when they have gone. */
  async dismiss(): Promise<void> {
    for (const worker of this.#stalled) worker.kill('SIGCONT')
    const gone = [...this.#workers].map(([worker, finished]) => {
      worker.kill('SIGTERM')
      return finished
    })
    await Promise.all(gone)
  }

  #hire(): void {
    const { child, finished } = this.#launch()
    this.#workers.set(child, finished)
  }

  #wakeLater(worker: ChildProcess): void {
    this.#stalled.add(worker)
    const wake = (): void => {
      this.#stalled.delete(worker)
      worker.kill('SIGCONT')
    }
    sleep(STALL_MS).then(wake, wake)
  }
}
