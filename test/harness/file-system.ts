/** Small and read-only file systems for tests: tmpfs mounts in a mount namespace of their own. Needs Linux's `unshare`, not root. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { CLI } from '../../packages/batchwright/src/cli/fixtures/project.ts'
import type { Finished, Running, TestProject } from './project.ts'

const READY = 'mounted'

/** A project seen from a mount namespace in which one of its folders is a small file system. */
export interface Mounted extends AsyncDisposable {
  /** Runs `batchwright ...args` in the project. */
  cli(...args: readonly string[]): Promise<Finished>
  /** Starts `batchwright ...args` in the project. */
  start(...args: readonly string[]): Running
  /** Runs a line of shell in the project's folder; throws where it fails. Returns what it printed. */
  shell(line: string): Promise<string>
}

/** Mounts a tmpfs of `size` (`2m`) over `folder` of the project, for as long as the returned object is not disposed of. */
export async function mountSmall(
  { folder: root }: Pick<TestProject, 'folder'>,
  folder: string,
  size: string,
): Promise<Mounted> {
  const script = `mkdir -p "$1" && mount -t tmpfs -o size=$2 none "$1" && echo ${READY} && exec cat`
  const flags = ['--map-root-user', '--mount', 'sh', '-c', script, 'sh', `${root}/${folder}`, size]
  const holder = spawn('unshare', flags, { stdio: ['pipe', 'pipe', 'inherit'] })
  await untilReady(holder)
  const inside = (command: readonly string[], environment: Readonly<Record<string, string>> = {}): Running => {
    const enter = ['--target', String(holder.pid), '--user', '--mount', '--preserve-credentials']
    // The working folder is looked up anew inside: one taken along would not show what is mounted.
    return launch('nsenter', [...enter, 'sh', '-c', 'cd "$0" && exec "$@"', root, ...command], environment)
  }
  const start = (...args: readonly string[]): Running =>
    inside([process.execPath, CLI, ...args], { NO_COLOR: '1', NODE_OPTIONS: '', VITEST: '' })
  return {
    start,
    cli: (...args) => start(...args).finished,
    shell: async (line) => {
      const { code, stdout, stderr } = await inside(['sh', '-c', line]).finished
      if (code !== 0) throw new Error(`${line}: ended with ${String(code)}\n${stderr}`)
      return stdout
    },
    [Symbol.asyncDispose]: async () => {
      const ended = new Promise((resolve) => holder.once('exit', resolve))
      holder.stdin.end()
      await ended
    },
  }
}

async function untilReady(holder: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    holder.once('error', reject)
    holder.once('exit', (code) => {
      reject(new Error(`a file system could not be mounted for this test: unshare ended with ${String(code)}`))
    })
    holder.stdout?.setEncoding('utf8').on('data', (said: string) => {
      if (said.includes(READY)) resolve()
    })
  })
}

function launch(command: string, args: readonly string[], environment: Readonly<Record<string, string>>): Running {
  const child = spawn(command, args, { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
  const closed = new Promise<Pick<Finished, 'code' | 'signal'>>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      resolve({ code, signal })
    })
  })
  const finished = Promise.all([closed, text(child.stdout), text(child.stderr)]).then(([end, stdout, stderr]) => ({
    ...end,
    stdout,
    stderr,
  }))
  return { child, finished }
}
