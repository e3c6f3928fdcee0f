import { isDeepStrictEqual } from 'node:util'
import { BatchwrightError } from '../kernel/errors.ts'
import type { JobDefinition } from '../job/index.ts'
import type { InMemoryOptions, InMemoryResult } from './run-in-memory.ts'
import { runInMemory } from './run-in-memory.ts'

/** As of `runInMemory`, with the step whose attempts are killed. */
export interface RestartOptions extends Omit<InMemoryOptions, 'faults'> {
  /** The step whose attempts are killed. */
  readonly step: string
}

/** What `restartAtEveryCommit` did, and the run that it compared with. */
export interface RestartReport {
  /** Commits that the undisturbed run made in the step: each was struck twice, before and after it was recorded. */
  readonly commits: number
  readonly undisturbed: InMemoryResult
}

const SMALL_COMMITS = { chunk: 10, everyChunks: 1 }

/**
 * Runs a job once undisturbed, then once for each commit of one step, killing the attempt there and letting it resume:
 * published bytes, dead letters, counters, control totals and results must be the same every time. By default records
 * steps commit every 10 records. Throws RUN_FAILED where the undisturbed run fails, RESTART_DIFFERS at the first difference.
 */
export async function restartAtEveryCommit(job: JobDefinition, options: RestartOptions): Promise<RestartReport> {
  const { step, ...rest } = options
  const base: InMemoryOptions = { ...rest, commit: { ...SMALL_COMMITS, ...rest.commit } }
  const undisturbed = await runInMemory(job, base)
  if (undisturbed.run.state !== 'succeeded') {
    throw new BatchwrightError({
      code: 'RUN_FAILED',
      message: `expected the undisturbed run to succeed, it ${undisturbed.run.state}: ${undisturbed.run.failure?.message ?? ''}`,
      hint: 'Mend the job or the inputs first; restarts are compared with a run that succeeds.',
    })
  }
  const commits = undisturbed.commits[step] ?? 0
  for (let commit = 1; commit <= commits; commit += 1) {
    for (const when of ['before', 'after'] as const) {
      const restarted = await runInMemory(job, { ...base, faults: [{ fault: 'kill', step, commit, when }] })
      const difference = firstDifference(undisturbed, restarted)
      if (difference !== null) throw differs(step, commit, when, difference)
    }
  }
  return { commits, undisturbed }
}

const COMPARED = ['digests', 'outputs', 'deadLetters', 'counters', 'controls', 'results'] as const

function firstDifference(undisturbed: InMemoryResult, restarted: InMemoryResult): string | null {
  if (restarted.run.state !== 'succeeded') {
    return `the run ${restarted.run.state}: ${restarted.run.failure?.message ?? 'no failure is recorded'}`
  }
  for (const aspect of COMPARED) {
    const [before, after] = [undisturbed[aspect], restarted[aspect]]
    for (const name of Object.keys(before)) {
      if (!isDeepStrictEqual(comparable(before[name]), comparable(after[name]))) return `${aspect} of '${name}'`
    }
  }
  return null
}

/** Retries and bytes read tell of the work that was done, and may differ; what was made of the records may not. */
function comparable(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('retries' in value)) return value
  return { ...value, retries: 0, bytesRead: 0 }
}

function differs(step: string, commit: number, when: 'before' | 'after', difference: string): BatchwrightError {
  return new BatchwrightError({
    code: 'RESTART_DIFFERS',
    message: `step '${step}', killed ${when} commit ${String(commit)} was recorded and resumed, differs from the undisturbed run in ${difference}`,
    hint: 'Look for state that lives outside the checkpoint: module variables, files of its own, the wall clock, Math.random.',
    details: { step, commit, when },
  })
}
