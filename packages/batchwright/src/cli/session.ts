/** What commands share: the terminal, the project and the store, each opened when first asked for. */
import { existsSync } from 'node:fs'
import type { Clock } from '../kernel/clock.ts'
import type { Random } from '../kernel/random.ts'
import { makeFolders, storageError } from '../kernel/storage.ts'
import type { Store } from '../store/contract.ts'
import type { Project } from './project.ts'
import { openProject } from './project.ts'
import type { Terminal } from './terminal.ts'

export interface SessionOptions {
  readonly terminal: Terminal
  readonly clock: Clock
  readonly random: Random
  readonly workingFolder: string
  /** Of this process: settings, secrets. */
  readonly environment: Readonly<Record<string, string | undefined>>
}

export class Session {
  readonly terminal: Terminal
  readonly clock: Clock
  readonly random: Random
  readonly environment: SessionOptions['environment']
  /** Absolute: where the command was typed. */
  readonly workingFolder: string
  #given: string | undefined
  #project: Project | null = null
  #store: Promise<Store> | null = null

  constructor(options: SessionOptions) {
    this.terminal = options.terminal
    this.clock = options.clock
    this.random = options.random
    this.environment = options.environment
    this.workingFolder = options.workingFolder
  }

  /** From `--project`; without it BATCHWRIGHT_PROJECT counts. Before anything else is asked for. */
  chooseProject(folder: string | undefined): void {
    this.#given = folder
  }

  get project(): Project {
    this.#project ??= openProject(
      this.workingFolder,
      this.#given ?? (this.environment['BATCHWRIGHT_PROJECT'] || undefined),
      this.environment,
    )
    return this.#project
  }

  /** The project's folder where it has been found; null before. For error messages. */
  get projectFolder(): string | null {
    return this.#project?.folder ?? null
  }

  /** Whether anything may have been run here. Asking does not create the store. */
  hasStore(): boolean {
    const { store } = this.project
    return store.kind !== 'sqlite' || existsSync(store.path)
  }

  store(): Promise<Store> {
    this.#store ??= this.#openStore()
    return this.#store
  }

  async close(): Promise<void> {
    const opened = this.#store
    this.#store = null
    if (opened === null) return
    // Where opening failed, that error is already on its way to the user.
    const store = await opened.catch(() => null)
    await store?.close()
  }

  async #openStore(): Promise<Store> {
    const { project } = this
    await makeStateFolder(project.state)
    const { openStore } = await import('../store/index.ts')
    return openStore(project.store, { clock: this.clock, random: this.random })
  }
}

async function makeStateFolder(folder: string): Promise<void> {
  try {
    await makeFolders(folder)
  } catch (thrown) {
    throw storageError(thrown, folder)
  }
}
