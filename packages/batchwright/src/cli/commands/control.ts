/** `retry`, `pause`, `resume`, `cancel`: what may be done to a run that exists. */
import type { JsonValue } from '../../kernel/errors.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { RunRow, StepRow, Store } from '../../store/contract.ts'
import { reopenWithCurrentCode } from '../code.ts'
import { loadJob } from '../definitions.ts'
import { execute } from '../execute.ts'
import type { ExecutionOptions } from '../execute.ts'
import type { ExitCode } from '../failure.ts'
import { EXIT, usageError } from '../failure.ts'
import { joinFleet } from '../fleet/about.ts'
import { requester } from '../requester.ts'
import { selectRun, selectStep } from '../select.ts'
import type { Session } from '../session.ts'
import { runJson, runTitle } from '../view.ts'
import { conclude, outcomeJson, pausedError, printResult } from './run.ts'

export interface RetryOptions extends ExecutionOptions {
  readonly from?: string
  readonly partition?: number
  readonly step?: string
  readonly code: 'current' | 'pinned'
}

/** `batchwright retry RUN`: opens an ended run again and works on it. */
export async function retry(session: Session, which: string, options: RetryOptions): Promise<ExitCode> {
  const store = await session.store()
  const run = await selectRun(store, { run: which })
  if (run.paused) throw pausedError(run)
  if (run.state === 'succeeded') throw notRetryable(run)
  await requireNewest(store, run)
  const reopened = run.endedAt === null ? run : await reopen(session, store, run, options)
  return workOn(session, store, reopened, options)
}

/**
 * An older revision would publish its result over that of the newer one. Only where it was stopped in the midst of publishing
 * may it go on: its publication has to be brought to an end. Throws RUN_SUPERSEDED.
 */
async function requireNewest(store: Store, run: RunRow): Promise<void> {
  const { items } = await store.listRuns({ job: run.job, identity: run.identity, limit: 1000 })
  const newer = items.find((each) => each.revision > run.revision && each.state === 'succeeded')
  if (newer === undefined) return
  const publications = await store.listPublications({ runId: run.runId })
  if (publications.some(({ state }) => state === 'intended')) return
  const window = run.window === null ? '' : ` --window ${run.window.key}`
  const end = run.endedAt === null ? `; \`batchwright cancel ${run.runId}\` ends this one` : ''
  throw new BatchwrightError({
    code: 'RUN_SUPERSEDED',
    message: `${runTitle(run)}: a newer revision has succeeded (r${newer.revision}, run ${newer.runId}); going on with run ${run.runId} would publish the older result over it`,
    hint: `\`batchwright show ${newer.runId}\` shows the newer one; \`batchwright rerun ${run.job}${window}\` makes another${end}`,
    details: { runId: run.runId, newer: newer.runId },
  })
}

async function reopen(session: Session, store: Store, run: RunRow, options: RetryOptions): Promise<RunRow> {
  const steps = await store.listSteps(run.runId)
  const names = steps.map((step) => step.name)
  const how = {
    ...(options.from === undefined ? {} : { from: selectStep(options.from, names, runTitle(run)) }),
    ...(options.partition === undefined ? {} : { partition: partitionOf(run, steps, options.partition, options.step) }),
  }
  if (options.code === 'pinned') return store.reopenRun(run.runId, { ...how, by: requester() })
  const job = await loadJob(session.project, run.job)
  await joinFleet(session, store, job.artifact)
  return reopenWithCurrentCode(store, run, job, how)
}

function partitionOf(
  run: RunRow,
  steps: readonly StepRow[],
  index: number,
  given: string | undefined,
): { readonly step: string; readonly index: number } {
  const name = given ?? run.failure?.step
  if (name === undefined) {
    throw usageError({
      code: 'USAGE',
      message: `--partition ${index}: of which step?`,
      hint: `add --step with one of: ${steps.map((step) => step.name).join(', ')}`,
    })
  }
  const step = steps.find(
    (each) =>
      each.name ===
      selectStep(
        name,
        steps.map((each) => each.name),
        runTitle(run),
      ),
  )
  const partitions = step?.plan?.partitions ?? 0
  if (index < partitions) return { step: name, index }
  throw usageError({
    code: 'PARTITION_UNKNOWN',
    message: `--partition ${index}: the step ${JSON.stringify(name)} has ${partitions === 1 ? 'one partition, number 0' : `${partitions} partitions, numbers 0 to ${partitions - 1}`}`,
    hint: `\`batchwright show ${run.runId}\` shows the steps`,
    details: { step: name, partition: index, partitions },
  })
}

function notRetryable(run: RunRow): BatchwrightError {
  const window = run.window === null ? '' : ` --window ${run.window.key}`
  return new BatchwrightError({
    code: 'RUN_NOT_RESUMABLE',
    message: `${runTitle(run)} has succeeded: there is nothing to go on with (run ${run.runId})`,
    hint: `\`batchwright rerun ${run.job}${window}\` makes it anew`,
    details: { runId: run.runId, state: run.state },
  })
}

async function workOn(session: Session, store: Store, run: RunRow, options: ExecutionOptions): Promise<ExitCode> {
  const result = await conclude(store, await execute(session, run, options), 'resumed')
  session.terminal.printJson(outcomeJson(result))
  await printResult(session, result)
  return result.code
}

/** `batchwright pause RUN`. Pausing what is paused is fine; what has ended cannot be paused. */
export async function pause(session: Session, which: string): Promise<void> {
  const store = await session.store()
  const run = await selectRun(store, { run: which })
  if (run.endedAt !== null) throw ended(run, 'paused')
  const paused = await store.pauseRun(run.runId, true, requester())
  tell(session, paused, [`${runTitle(run)} is paused; \`batchwright resume ${run.runId}\` goes on`])
}

/** `batchwright resume RUN`: clears the flag and works on the run. */
export async function resume(session: Session, which: string, options: ExecutionOptions): Promise<ExitCode> {
  const store = await session.store()
  const run = await selectRun(store, { run: which })
  if (!run.paused) throw notPaused(run)
  const resumed = await store.pauseRun(run.runId, false, requester())
  if (resumed.endedAt !== null) {
    tell(session, resumed, [`${runTitle(run)} is not paused any more; it has ${resumed.state}`])
    return EXIT.succeeded
  }
  return workOn(session, store, resumed, options)
}

/** `batchwright cancel RUN`. */
export async function cancel(session: Session, which: string, why: string): Promise<void> {
  const store = await session.store()
  const run = await selectRun(store, { run: which })
  if (run.endedAt !== null) throw ended(run, 'cancelled')
  const cancelled = await store.cancelRun(run.runId, { by: requester(), why })
  tell(session, cancelled, [`${runTitle(run)} is cancelled; \`batchwright retry ${run.runId}\` would go on with it`])
}

function ended(run: RunRow, verb: string): BatchwrightError {
  return new BatchwrightError({
    code: 'RUN_ENDED',
    message: `${runTitle(run)} has ${run.state} and cannot be ${verb} (run ${run.runId})`,
    hint:
      run.state === 'succeeded'
        ? 'it is done; `rerun` makes it anew'
        : `\`batchwright retry ${run.runId}\` goes on with it`,
    details: { runId: run.runId, state: run.state },
  })
}

function notPaused(run: RunRow): BatchwrightError {
  return new BatchwrightError({
    code: 'RUN_NOT_PAUSED',
    message: `${runTitle(run)} is ${run.state}, not paused (run ${run.runId})`,
    hint:
      run.state === 'succeeded'
        ? 'it is done; `rerun` makes it anew'
        : `\`batchwright retry ${run.runId}\` goes on with it`,
    details: { runId: run.runId, state: run.state },
  })
}

function tell(session: Session, run: RunRow, lines: readonly string[]): void {
  const json: JsonValue = runJson(run)
  session.terminal.printJson(json)
  session.terminal.print(lines)
}
