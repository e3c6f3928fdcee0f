/**
 * For tests: the example's jobs in a project folder of their own, worked by the real command line in real processes.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { cpSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'

const CLI = path.join(import.meta.dirname, '../../packages/batchwright/src/cli/cli.ts')

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Started {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
}

/** A project folder with the example's jobs and nothing else. */
export function scratchProject(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'billing-'))
  cpSync(path.join(import.meta.dirname, 'jobs'), path.join(folder, 'jobs'), { recursive: true })
  return folder
}

/** Starts `batchwright ...args` in the project, on the retail files under `data`. */
export function start(
  project: string,
  data: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Started {
  const child = spawn(process.execPath, ['--conditions=batchwright-source', CLI, ...args], {
    cwd: project,
    env: { ...process.env, NO_COLOR: '1', BATCHWRIGHT_REAL_DATA: data, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const closed = new Promise<Pick<Ended, 'code' | 'signal'>>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      resolve({ code, signal })
    })
  })
  const ended = Promise.all([closed, text(child.stdout), text(child.stderr)]).then(([end, stdout, stderr]) => ({
    ...end,
    stdout,
    stderr,
  }))
  return { child, ended }
}

/** Runs `batchwright ...args` to its end; throws with what it said where it does not succeed. Returns its output. */
export async function batchwright(project: string, data: string, args: readonly string[]): Promise<string> {
  const { code, signal, stdout, stderr } = await start(project, data, args).ended
  if (code === 0) return stdout
  throw new Error(`batchwright ${args.join(' ')} ended with ${code ?? signal ?? 'nothing'}\n${stdout}\n${stderr}`)
}
