/** Passes in processes of their own: each can be stopped at once, whatever the job's code does. */
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../../kernel/clock.ts'
import { BatchwrightError, errorFromReport } from '../../kernel/errors.ts'
import type { FromPass, PassReport, PassRequest } from './contract.ts'

const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './pass-child.ts' : './pass-child.js', import.meta.url)

/** Lines of what the job's code prints that are kept. */
const PRINTED_LINES = 100

export interface RunningPass {
  /** Null where it was stopped. Rejects where the process ended without an answer: PASS_ENDED, PASS_TIMEOUT. */
  readonly report: Promise<PassReport | null>
  /** Ends it at once. Resolves when its process is gone. */
  stop(): Promise<void>
}

export interface PassLimits {
  readonly clock: Clock
  /** How long it may take, in milliseconds; null for any time. */
  readonly limitMs: number | null
}

/** Starts a pass in a new process. */
export function startPass(request: PassRequest, { clock, limitMs }: PassLimits): RunningPass {
  const child = fork(fileURLToPath(ENTRY), [], {
    cwd: request.projectFolder,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'json',
  })
  const printed = printedBy(child)
  const answer = Promise.withResolvers<PassReport | null>()
  let step: string | null = null
  let stopped = false
  const exited = new Promise<void>((resolve) => {
    child.once('close', (code, signal) => {
      limit?.stop()
      if (stopped) answer.resolve(null)
      else answer.reject(endedWithout(code, signal, step, printed))
      resolve()
    })
  })
  child.once('error', (error) => {
    answer.reject(error)
  })
  child.on('message', (message: FromPass) => {
    switch (message.kind) {
      case 'ready':
        child.send(request)
        return
      case 'step':
        step = message.step
        return
      case 'report':
        answer.resolve({ ...message.report, printed })
        return
      case 'failed':
        answer.reject(errorFromReport(message.error))
    }
  })
  const limit =
    limitMs === null
      ? null
      : clock.after(limitMs, () => {
          answer.reject(tookTooLong(limitMs, step))
          child.kill('SIGKILL')
        })
  return {
    report: answer.promise.then(async (report) => {
      await exited
      return report
    }),
    stop: async () => {
      stopped = true
      child.kill('SIGKILL')
      await exited
    },
  }
}

function printedBy(child: ChildProcess): string[] {
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ''
    stream?.setEncoding('utf8')
    const keep = (line: string): void => {
      if (lines.length < PRINTED_LINES) lines.push(line)
    }
    stream?.on('data', (text: string) => {
      const [last = '', ...whole] = (rest + text).split('\n').reverse()
      rest = last
      for (const line of whole.reverse()) keep(line)
    })
    stream?.on('end', () => {
      if (rest !== '') keep(rest)
    })
  }
  return lines
}

function endedWithout(
  code: number | null,
  signal: NodeJS.Signals | null,
  step: string | null,
  printed: readonly string[],
): BatchwrightError {
  const how = signal === null ? `exit code ${String(code)}` : signal
  const where = step === null ? 'while the job was loaded' : `in step ${step}`
  return new BatchwrightError({
    code: 'PASS_ENDED',
    message: `the job's code ended the process ${where} (${how})${printed.length === 0 ? '' : `; the last it printed: ${printed.at(-1) ?? ''}`}`,
    hint: 'throw an error instead of calling process.exit(), and await every promise',
    details: { step, exitCode: code, signal },
  })
}

function tookTooLong(limitMs: number, step: string | null): BatchwrightError {
  const where = step === null ? 'loading the job' : `step ${step}`
  return new BatchwrightError({
    code: 'PASS_TIMEOUT',
    message: `${where} did not come to its end within ${limitMs / 1000} s on a sample`,
    hint: 'look for an endless loop, or a call that never returns; a smaller sample (--sample) is quicker',
    details: { step, limitMs },
  })
}
