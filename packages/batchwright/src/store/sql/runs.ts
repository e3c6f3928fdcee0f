import { NO_COUNTERS } from '../../protocol/index.ts'
import type { NewRun, RunRow } from '../contract/index.ts'
import type { RunState, StepState } from '../states.ts'
import { adopt, adoptedStates } from './adopt.ts'
import { openSteps, type RunRef } from './advance.ts'
import { refused } from './refusals.ts'
import { emit } from './events.ts'
import { DEFAULT_LANE, holdSteps, lanesFor } from './lanes.ts'
import { flag, json, jsonColumn, jsonOrNull, number, numberOrNull, text, word, type Row } from './rows.ts'
import type { Session } from './session.ts'

export const RUN_COLUMNS = `run, run_id, job, identity, revision, state, paused, window_value, parameters, code_version,
  artifact_path, logical_time, seed, requested_by, replay, tenant, priority, created_at, started_at, ended_at, failure, pruned`

export function runFrom(row: Row): RunRow {
  return {
    runId: text(row, 'run_id'),
    job: text(row, 'job'),
    revision: number(row, 'revision'),
    state: word<RunState>(row, 'state'),
    paused: flag(row, 'paused'),
    window: jsonOrNull<NonNullable<RunRow['window']>>(row, 'window_value'),
    identity: text(row, 'identity'),
    parameters: json<RunRow['parameters']>(row, 'parameters'),
    codeVersion: text(row, 'code_version'),
    artifactPath: text(row, 'artifact_path'),
    logicalTime: text(row, 'logical_time'),
    seed: number(row, 'seed'),
    requestedBy: text(row, 'requested_by'),
    replay: jsonOrNull<NonNullable<RunRow['replay']>>(row, 'replay'),
    tenant: text(row, 'tenant'),
    priority: number(row, 'priority'),
    createdAt: number(row, 'created_at'),
    startedAt: numberOrNull(row, 'started_at'),
    endedAt: numberOrNull(row, 'ended_at'),
    failure: jsonOrNull<NonNullable<RunRow['failure']>>(row, 'failure'),
    pruned: number(row, 'pruned') > 0,
  }
}

/** A run's row and its row number; undefined where there is none. */
export async function findRun(
  session: Session,
  runId: string,
): Promise<{ readonly ref: RunRef; readonly run: RunRow } | undefined> {
  const row = await session.get(`select ${RUN_COLUMNS} from runs where run_id = :runId`, { runId })
  return row === undefined ? undefined : { ref: { run: number(row, 'run'), runId }, run: runFrom(row) }
}

/** How often a run is looked for again whose place another caller took at the same moment. */
const CREATE_TRIES = 5

export async function createRun(
  session: Session,
  run: NewRun,
): Promise<{ readonly run: RunRow; readonly created: boolean }> {
  for (let attempt = 1; attempt <= CREATE_TRIES; attempt += 1) {
    const repeated = await findRun(session, run.runId)
    if (repeated !== undefined) return { run: repeated.run, created: false }
    const newest = await session.get(
      `select ${RUN_COLUMNS} from runs where job = :job and identity = :identity order by revision desc limit 1`,
      { job: run.job, identity: run.identity },
    )
    if (newest !== undefined && run.revision === 'same') return { run: runFrom(newest), created: false }
    checkSteps(run)
    const bornAs = run.replay === null ? (): StepState => 'waiting' : await adoptedStates(session, run, run.replay)
    const ref = await insertRun(session, run, newest === undefined ? 1 : number(newest, 'revision') + 1)
    if (ref !== undefined) return { run: await fillRun(session, ref, run, bornAs), created: true }
  }
  throw new Error(`run ${run.runId}: its place was taken ${CREATE_TRIES} times, and nobody was found in it`)
}

async function fillRun(
  session: Session,
  ref: RunRef,
  run: NewRun,
  bornAs: (step: string) => StepState,
): Promise<RunRow> {
  await insertSteps(session, ref, run, bornAs)
  if (run.replay !== null) {
    await adopt(session, ref, run.replay)
    await holdSteps(session, ref.run, false)
  }
  await openSteps(session, ref)
  const made = await findRun(session, run.runId)
  if (made === undefined) throw new Error(`run ${run.runId} was inserted and cannot be found`)
  return made.run
}

/** Undefined where another caller has just inserted this run, or this revision. */
async function insertRun(session: Session, run: NewRun, revision: number): Promise<RunRef | undefined> {
  const [row] = await session.all(
    `insert into runs (run_id, job, identity, revision, state, window_key, window_value, parameters, code_version,
       artifact_path, logical_time, seed, requested_by, replay, tenant, priority, created_at)
     values (:runId, :job, :identity, :revision, 'queued', :windowKey, :window, :parameters, :codeVersion,
       :artifactPath, :logicalTime, :seed, :requestedBy, :replay, :tenant, :priority, store_now())
     on conflict do nothing returning run`,
    {
      runId: run.runId,
      job: run.job,
      identity: run.identity,
      revision,
      windowKey: run.window?.key ?? null,
      window: jsonColumn(run.window),
      parameters: JSON.stringify(run.parameters),
      codeVersion: run.codeVersion,
      artifactPath: run.artifactPath,
      logicalTime: run.logicalTime,
      seed: run.seed,
      requestedBy: run.requestedBy,
      replay: jsonColumn(run.replay),
      tenant: run.tenant ?? '',
      priority: run.priority ?? 0,
    },
  )
  if (row === undefined) return undefined
  await emit(session, {
    runId: run.runId,
    type: 'run.created',
    data: { job: run.job, window: run.window?.key ?? null, revision, by: run.requestedBy },
  })
  return { run: number(row, 'run'), runId: run.runId }
}

async function insertSteps(
  session: Session,
  ref: RunRef,
  run: NewRun,
  bornAs: (step: string) => StepState,
): Promise<void> {
  const lanes = await lanesFor(session, run)
  for (const [order, step] of run.steps.entries()) {
    await session.run(
      `insert into steps (run, step, name, kind, comes_after, publish, state, counters, controls, rebalance, speculation,
         lane, metered)
       values (:run, :step, :name, :kind, :after, :publish, :state, :counters, '{}', :rebalance, :speculation, :lane,
         :metered)`,
      {
        run: ref.run,
        step: order,
        name: step.name,
        kind: step.kind,
        after: JSON.stringify(step.after),
        publish: step.publish,
        state: bornAs(step.name),
        counters: JSON.stringify(NO_COUNTERS),
        rebalance: step.rebalance === true ? 1 : 0,
        speculation: jsonColumn(step.speculation ?? null),
        lane: lanes.get(step.pool ?? '') ?? DEFAULT_LANE,
        metered: (step.pool ?? '') !== '' || (run.tenant ?? '') !== '' ? 1 : 0,
      },
    )
    for (const service of step.services ?? []) {
      await session.run('insert into step_services (run, step, service) values (:run, :step, :service)', {
        run: ref.run,
        step: order,
        service,
      })
    }
  }
}

/** Definitions are checked when they are made; a run that could never end is refused here all the same. */
function checkSteps(run: NewRun): void {
  const before = new Set<string>()
  for (const step of run.steps) {
    const missing = step.after.find((name) => !before.has(name))
    if (missing !== undefined || before.has(step.name)) {
      throw refused(
        'RUN_STEPS_INVALID',
        missing === undefined
          ? `run ${run.runId}: expected each step once, found ${step.name} twice`
          : `run ${run.runId}: expected step ${step.name} to stand after ${missing}, found no such step before it`,
        'Give the steps in order of dependency, each once.',
        { runId: run.runId, step: step.name },
      )
    }
    before.add(step.name)
  }
  if (before.size > 0) return
  throw refused('RUN_STEPS_INVALID', `run ${run.runId}: expected at least one step, found none`, 'Add a step.', {
    runId: run.runId,
  })
}
