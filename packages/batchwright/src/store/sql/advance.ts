import type { ErrorReport, JsonValue } from '../../kernel/errors.ts'
import type { PlanSummary, TaskKind } from '../../protocol/index.ts'
import type { NewStep } from '../contract/index.ts'
import type { StepState } from '../states.ts'
import { refused } from './refusals.ts'
import { dropCopiesOf } from './copies.ts'
import { emit } from './events.ts'
import { COUNTED_IN, holdSteps, readied } from './lanes.ts'
import { releaseRun } from './leases.ts'
import { json, number, numberOrNull, text, word } from './rows.ts'
import type { Session } from './session.ts'

/**
 * Moving steps and runs on. Each function takes the arrows that one cause makes possible, and calls the next; all inside
 * the transaction of the verb that was the cause.
 */

/** A run, by its row number and the id that the outside knows. */
export interface RunRef {
  readonly run: number
  readonly runId: string
}

export interface StepHead {
  readonly step: number
  readonly name: string
  readonly publish: NewStep['publish']
  readonly state: StepState
  readonly after: readonly string[]
  readonly remaining: number
  readonly verifiedAt: number | null
}

export async function stepHeads(session: Session, run: number): Promise<readonly StepHead[]> {
  const rows = await session.all(
    `select step, name, publish, state, comes_after, remaining, verified_at from steps where run = :run order by step`,
    { run },
  )
  return rows.map((row) => ({
    step: number(row, 'step'),
    name: text(row, 'name'),
    publish: word<NewStep['publish']>(row, 'publish'),
    state: word<StepState>(row, 'state'),
    after: json<readonly string[]>(row, 'comes_after'),
    remaining: number(row, 'remaining'),
    verifiedAt: numberOrNull(row, 'verified_at'),
  }))
}

export async function stepName(session: Session, run: number, step: number): Promise<string> {
  const row = await session.get('select name from steps where run = :run and step = :step', { run, step })
  return row === undefined ? '' : text(row, 'name')
}

/** Moves a step, with its event. The guard of the table refuses what is not an arrow. */
export async function moveStep(
  session: Session,
  ref: RunRef,
  step: { readonly step: number; readonly name: string },
  to: StepState,
  data: Readonly<Record<string, JsonValue>> = {},
): Promise<void> {
  const ended = to === 'succeeded' || to === 'failed' || to === 'cancelled' || to === 'skipped'
  await session.run(
    `update steps set state = :to,
       started_at = case when :to = 'planning' then store_now() when :to = 'waiting' then null else started_at end,
       verified_at = case when :to = 'publishing' then coalesce(verified_at, store_now())
         when :to in ('waiting', 'planning', 'running', 'verifying') then null else verified_at end,
       ended_at = case when :ended = 1 then store_now() end,
       ready = case when :ended = 1 or :to = 'waiting' then 0 else ready end
     where run = :run and step = :step`,
    { run: ref.run, step: step.step, to, ended: ended ? 1 : 0 },
  )
  await emit(session, { runId: ref.runId, step: step.name, type: `step.${to}`, data })
}

/** Inserts the one task of its kind that a step has beside its partitions. */
export async function insertTask(
  session: Session,
  run: number,
  step: number,
  kind: Exclude<TaskKind, 'partition'>,
): Promise<void> {
  await session.run(
    `insert into tasks (run, step, kind, idx, fence, label, lane)
     select run, step, cast(:kind as text), 0, fence_floor, cast(:kind as text) || ' ' || name, ${COUNTED_IN}
     from steps where run = :run and step = :step`,
    { run, step, kind },
  )
  await readied(session, run, step)
}

/** waiting -> planning for each step whose predecessors are all whole and verified. */
export async function openSteps(session: Session, ref: RunRef): Promise<void> {
  const heads = await stepHeads(session, ref.run)
  const open = new Set(
    heads
      .filter(({ state }) => state === 'publishing' || state === 'succeeded' || state === 'skipped')
      .map(({ name }) => name),
  )
  for (const head of heads) {
    if (head.state !== 'waiting' || !head.after.every((name) => open.has(name))) continue
    await moveStep(session, ref, head, 'planning')
    await insertTask(session, ref.run, head.step, 'plan')
  }
}

/** planning -> running, and on to verifying where there is nothing to do. */
export async function sealPlan(
  session: Session,
  ref: RunRef,
  step: number,
  fence: number,
  plan: PlanSummary,
): Promise<void> {
  const name = await stepName(session, ref.run, step)
  const found = await partitionsOf(session, ref.run, step, fence)
  if (found.count !== plan.partitions || found.beyond > plan.partitions) {
    throw refused(
      'PLAN_INCOMPLETE',
      `step ${name}: expected ${plan.partitions} partitions with the indexes 0 to ${plan.partitions - 1}, ` +
        `found ${found.count}, the highest with index ${found.beyond - 1}`,
      'The plan task must add every partition before it says that it has planned them.',
      { step: name, expected: plan.partitions, found: found.count },
    )
  }
  await session.run(
    `insert into plans (run, step, plan, snapshot) values (:run, :step, :plan, :snapshot)
     on conflict (run, step) do update set plan = :plan, snapshot = :snapshot`,
    {
      run: ref.run,
      step,
      plan: JSON.stringify(plan),
      snapshot: plan.snapshot === null ? null : JSON.stringify(plan.snapshot),
    },
  )
  await session.run(
    `update steps set tasks = :count, remaining = :count, planned_under = null where run = :run and step = :step`,
    { run: ref.run, step, count: plan.partitions },
  )
  await readied(session, ref.run, step)
  await moveStep(session, ref, { step, name }, 'running', {
    partitions: plan.partitions,
    fingerprint: plan.fingerprint,
  })
  await verifyWhenDone(session, ref, step)
}

/** The partitions of an unsealed plan that this attempt made; those of an earlier attempt are dropped. */
async function partitionsOf(
  session: Session,
  run: number,
  step: number,
  fence: number,
): Promise<{ count: number; beyond: number }> {
  await dropOtherPlans(session, run, step, fence)
  const row = await session.get(
    `select count(*) as count, coalesce(max(idx) + 1, 0) as beyond from tasks
     where run = :run and step = :step and kind = 'partition'`,
    { run, step },
  )
  return row === undefined ? { count: 0, beyond: 0 } : { count: number(row, 'count'), beyond: number(row, 'beyond') }
}

/**
 * Claims the step's unsealed plan for the attempt with this fence. Partitions that an earlier attempt left behind go: it may
 * have cut the input otherwise. None of them was ever claimable.
 */
export async function dropOtherPlans(session: Session, run: number, step: number, fence: number): Promise<void> {
  const taken = await session.run(
    `update steps set planned_under = :fence where run = :run and step = :step and planned_under is distinct from cast(:fence as bigint)`,
    { run, step, fence },
  )
  if (taken > 0)
    await session.run(`delete from tasks where run = :run and step = :step and kind = 'partition'`, { run, step })
}

/** running -> verifying when no partition remains. */
export async function verifyWhenDone(session: Session, ref: RunRef, step: number): Promise<void> {
  const row = await session.get(`select name, state, remaining from steps where run = :run and step = :step`, {
    run: ref.run,
    step,
  })
  if (row === undefined || text(row, 'state') !== 'running' || number(row, 'remaining') > 0) return
  await moveStep(session, ref, { step, name: text(row, 'name') }, 'verifying')
  await insertTask(session, ref.run, step, 'verify')
}

/** verifying -> publishing, and what that opens: readers, a publish task, the end of a step that publishes nothing. */
export async function stepVerified(session: Session, ref: RunRef, step: number, findings: JsonValue): Promise<void> {
  await session.run('update steps set verification = :findings where run = :run and step = :step', {
    run: ref.run,
    step,
    findings: JSON.stringify(findings),
  })
  const head = (await stepHeads(session, ref.run)).find((candidate) => candidate.step === step)
  if (head === undefined) return
  await moveStep(session, ref, head, 'publishing')
  if (head.publish === 'none') await moveStep(session, ref, head, 'succeeded')
  if (head.publish === 'alone') await insertTask(session, ref.run, step, 'publish')
  await openSteps(session, ref)
  await publishTogether(session, ref)
  await endRunWhenDone(session, ref)
}

/**
 * When every step of the run is verified, one publish task publishes all outputs that go out together. It belongs to the
 * last verified of them. Inserted once: its place in the table is unique.
 */
export async function publishTogether(session: Session, ref: RunRef): Promise<void> {
  const heads = await stepHeads(session, ref.run)
  const whole = heads.every(({ state }) => state === 'publishing' || state === 'succeeded' || state === 'skipped')
  const group = heads.filter(({ publish, state }) => publish === 'together' && state === 'publishing')
  const last = group.reduce<StepHead | undefined>(
    (latest, head) => (latest === undefined || (head.verifiedAt ?? 0) >= (latest.verifiedAt ?? 0) ? head : latest),
    undefined,
  )
  if (!whole || last === undefined || (await hasGroupTask(session, ref.run))) return
  await insertTask(session, ref.run, last.step, 'publish')
}

/** Whether the run's group has a publish task that has not ended well. One that has belongs to an earlier publication. */
async function hasGroupTask(session: Session, run: number): Promise<boolean> {
  const row = await session.get(
    `select 1 from tasks t join steps s on s.run = t.run and s.step = t.step
     where s.run = :run and s.publish = 'together' and t.kind = 'publish' and t.state <> 'succeeded'`,
    { run },
  )
  return row !== undefined
}

/** publishing -> succeeded for the step, or for all that published with it; the run's end with the last. */
export async function stepPublished(session: Session, ref: RunRef, taskId: number, step: number): Promise<void> {
  await session.run(
    `update publications set state = 'published', published_at = store_now()
     where run = :run and task_id = :taskId and state = 'intended'`,
    { run: ref.run, taskId },
  )
  const heads = await stepHeads(session, ref.run)
  const own = heads.find((head) => head.step === step)
  const group = heads.filter(({ publish, state }) => publish === 'together' && state === 'publishing')
  for (const head of own?.publish === 'together' ? group : heads.filter((one) => one.step === step)) {
    await moveStep(session, ref, head, 'succeeded')
  }
  await endRunWhenDone(session, ref)
}

async function endRunWhenDone(session: Session, ref: RunRef): Promise<void> {
  const row = await session.get(
    `select count(*) as unfinished from steps where run = :run and state not in ('succeeded', 'skipped')`,
    { run: ref.run },
  )
  if (row === undefined || number(row, 'unfinished') > 0) return
  await session.run(`update runs set state = 'succeeded', ended_at = store_now() where run = :run`, { run: ref.run })
  await emit(session, { runId: ref.runId, type: 'run.succeeded' })
}

/** A task has failed for good: its step and run fail, and the siblings' leases are given back. */
export async function failRun(
  session: Session,
  ref: RunRef,
  step: number,
  index: number | null,
  error: ErrorReport,
): Promise<void> {
  const name = await stepName(session, ref.run, step)
  await moveStep(session, ref, { step, name }, 'failed', { code: error.code, index })
  await session.run(`update runs set state = 'failed', ended_at = store_now(), failure = :failure where run = :run`, {
    run: ref.run,
    failure: JSON.stringify({ ...error, step: name, index }),
  })
  await dropCopiesOf(session, ref.run, 'run failed')
  await releaseRun(session, ref)
  await holdSteps(session, ref.run, true)
  await emit(session, {
    runId: ref.runId,
    step: name,
    type: 'run.failed',
    data: { code: error.code, message: error.message, step: name, index },
  })
}
