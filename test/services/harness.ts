import { fork, type ChildProcess } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { submitRun } from '../../packages/batchwright/src/engine/index.ts'
import { systemClock } from '../../packages/batchwright/src/kernel/clock.ts'
import { systemRandom } from '../../packages/batchwright/src/kernel/random.ts'
import { openStore, type Store, type StoreAddress } from '../../packages/batchwright/src/store/index.ts'
import { jobOf, type JobSettings } from './jobs.ts'
import type { WorkerSettings } from './worker.child.ts'

const CHILD = new URL('./worker.child.ts', import.meta.url)

export interface Ended {
  readonly state: string
  readonly failure: string | null
}

/** A process that works on the run. */
export class Child {
  readonly ended: Promise<Ended | 'killed'>
  readonly #process: ChildProcess

  constructor(settings: WorkerSettings, failPoints: string | null) {
    this.#process = fork(CHILD, [JSON.stringify(settings)], {
      execArgv: ['--conditions=batchwright-source'],
      env: { ...process.env, ...(failPoints === null ? {} : { BATCHWRIGHT_FAIL_POINTS: failPoints }) },
    })
    this.ended = new Promise((resolve) => {
      let said: Ended | 'killed' = 'killed'
      this.#process.on('message', (message) => {
        // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- worker.child.ts is its only speaker
        said = message as Ended
      })
      this.#process.on('exit', () => {
        resolve(said)
      })
    })
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }
}

/** A project in a folder of its own, a store, and processes that work on its runs. */
export class Fleet implements AsyncDisposable {
  readonly store: Store
  readonly #address: StoreAddress
  readonly #folder: string
  readonly #children: Child[] = []

  private constructor(folder: string, address: StoreAddress, store: Store) {
    this.#folder = folder
    this.#address = address
    this.store = store
  }

  /** With `files` files of `rows` people each. */
  static async open(files: number, rows: number, url: string | null = null): Promise<Fleet> {
    const folder = await mkdtemp(path.join(tmpdir(), 'batchwright-services-'))
    await mkdir(path.join(folder, 'people'))
    for (let file = 0; file < files; file += 1) {
      const lines = Array.from({ length: rows }, (_, line) => JSON.stringify({ id: file * rows + line + 1 }))
      await writeFile(path.join(folder, 'people', `${String(file).padStart(3, '0')}.jsonl`), `${lines.join('\n')}\n`)
    }
    await mkdir(path.join(folder, '.batchwright'))
    const address: StoreAddress =
      url === null ? { kind: 'sqlite', path: path.join(folder, '.batchwright', 'store.db') } : { kind: 'postgres', url }
    return new Fleet(folder, address, await openStore(address, { clock: systemClock }))
  }

  async submit(settings: JobSettings, key: string): Promise<string> {
    const { run } = await submitRun(
      this.store,
      jobOf(settings),
      { artifact: { codeVersion: 'test', path: 'test' }, requestedBy: 'test', key },
      { clock: systemClock, random: systemRandom },
    )
    return run.runId
  }

  /** Starts a process; `failPoints` as in BATCHWRIGHT_FAIL_POINTS. */
  start(
    settings: JobSettings & { readonly runId: string; readonly slots?: number; readonly wrongBy?: number },
    failPoints: string | null = null,
  ): Child {
    const child = new Child({ slots: 1, ...settings, folder: this.#folder, store: this.#address }, failPoints)
    this.#children.push(child)
    return child
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill()
    await Promise.all(this.#children.map(({ ended }) => ended))
    await this.store.close()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
