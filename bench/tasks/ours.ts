import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { text } from 'node:stream/consumers'

const PACKAGE = path.resolve(import.meta.dirname, '../../packages/batchwright')
const BINARY = path.join(PACKAGE, 'bin', 'batchwright.js')

/** What the tasks of the measured job do: nothing, burn milliseconds of CPU, or write when they began. */
const JOB = `import { appendFileSync } from 'node:fs'
import { field, job, parameters } from 'batchwright'

const options = { parameters: parameters({ n: field.integer(), work: field.text(), said: field.text() }) }
export default job('measured', options, (steps) => {
  steps.function('work', { each: ({ parameters: { n } }) => n }, ({ parameters: { work, said } }) => {
    if (work === 'nothing') return
    if (work === 'start') {
      appendFileSync(said, String(performance.timeOrigin + performance.now()) + '\\n')
      return
    }
    const from = process.threadCpuUsage()
    for (;;) {
      const { user, system } = process.threadCpuUsage(from)
      if (user + system >= Number(work) * 1000) return
    }
  })
})
`

/** A project on a store, with its worker processes. Store: a URL of PostgreSQL; null for the embedded one. */
export class Project {
  readonly #folder: string
  readonly #environment: NodeJS.ProcessEnv
  readonly #workers: ChildProcess[] = []

  private constructor(folder: string, store: string | null) {
    this.#folder = folder
    this.#environment = { ...process.env, ...(store === null ? {} : { BATCHWRIGHT_STORE: store }) }
  }

  static async make(folder: string, store: string | null): Promise<Project> {
    await mkdir(path.join(folder, 'jobs'), { recursive: true })
    await mkdir(path.join(folder, 'node_modules'), { recursive: true })
    await writeFile(path.join(folder, 'package.json'), '{ "name": "measured", "private": true, "type": "module" }\n')
    await writeFile(path.join(folder, 'jobs', 'measured.ts'), JOB)
    await symlink(PACKAGE, path.join(folder, 'node_modules', 'batchwright'), 'dir')
    return new Project(folder, store)
  }

  /** Where tasks write when they began. */
  get said(): string {
    return path.join(this.#folder, 'said.txt')
  }

  /** Starts a worker process with its defaults. Resolves when the store knows it. */
  async work(...options: readonly string[]): Promise<void> {
    const worker = this.#spawn(['worker', ...options])
    this.#workers.push(worker)
    let output = ''
    const known = Promise.withResolvers<undefined>()
    const hear = (data: Buffer): void => {
      output += data.toString()
      if (output.includes('known to the store')) known.resolve(undefined)
    }
    worker.stdout?.on('data', hear)
    worker.stderr?.on('data', hear)
    worker.once('exit', (code) => {
      known.reject(new Error(`the worker ended with ${String(code)}:\n${output}`))
    })
    await known.promise
  }

  /** Makes a run; resolves with its id when it is in the store. With `wait`, when it has ended. */
  async run(n: number, work: string, how: 'leave' | 'wait'): Promise<string> {
    const words = ['run', 'measured', '--json', '--param', `n=${String(n)}`, '--param', `work=${work}`]
    const child = this.#spawn([...words, '--param', `said=${this.said}`, ...(how === 'leave' ? ['--detach'] : [])])
    const { stdout, stderr } = child
    if (stdout === null || stderr === null) throw new Error('expected the pipes that were asked for')
    const [output, errors] = await Promise.all([text(stdout), text(stderr)])
    const answer: unknown = output === '' ? null : JSON.parse(output)
    if (typeof answer === 'object' && answer !== null && 'runId' in answer) return String(answer.runId)
    throw new Error(`the run could not be made:\n${output}\n${errors}`)
  }

  /** Output of a command, as JSON. */
  async ask(...words: readonly string[]): Promise<unknown> {
    const child = this.#spawn([...words, '--json'])
    if (child.stdout === null) throw new Error('expected the pipe that was asked for')
    return JSON.parse(await text(child.stdout))
  }

  /** Resident memory of the worker processes, bytes. */
  get pids(): readonly number[] {
    return this.#workers.flatMap(({ pid }) => pid ?? [])
  }

  async close(): Promise<void> {
    for (const worker of this.#workers.splice(0)) {
      if (worker.exitCode !== null) continue
      const gone = once(worker, 'exit')
      worker.kill('SIGTERM')
      await gone
    }
  }

  #spawn(words: readonly string[]): ChildProcess {
    return spawn(process.execPath, [BINARY, ...words], {
      cwd: this.#folder,
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }
}
