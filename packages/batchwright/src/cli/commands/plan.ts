/** `plan`: what a run would read and how it would be cut, without making a run. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { newRun } from '../../engine/index.ts'
import { inlineExecutor } from '../../executors/index.ts'
import type { StepDefinition } from '../../job/model.ts'
import { errorFromReport } from '../../kernel/errors.ts'
import type { ErrorReport, JsonValue } from '../../kernel/errors.ts'
import type { PartitionPlan, PlanAssignment } from '../../protocol/index.ts'
import type { NewRun } from '../../store/contract.ts'
import { loadJob } from '../definitions.ts'
import type { LoadedJob } from '../definitions.ts'
import type { Estimate, PlannedStep } from '../planning/estimate.ts'
import { estimate } from '../planning/estimate.ts'
import { jobHistory } from '../planning/history.ts'
import { skewOf } from '../planning/skew.ts'
import { estimateLines, planLines } from '../render/plan.ts'
import type { PlannedStepRow } from '../render/plan.ts'
import { requester } from '../requester.ts'
import { readParameters, selectWindows } from '../select.ts'
import type { Session } from '../session.ts'
import { runTitle } from '../view.ts'

export interface PlanOptions {
  readonly job: string
  readonly window?: string
  readonly param?: readonly string[]
  /** For the estimate: attempts at a time. */
  readonly slots?: number
}

/** `batchwright plan JOB`: `{ total, items: [{ job, window, steps, estimate }] }`, one item for each window. */
export async function plan(session: Session, options: PlanOptions): Promise<void> {
  const { terminal, project } = session
  const job = await loadJob(project, options.job)
  const parameters = readParameters(options.param ?? [])
  const slots = options.slots ?? project.configuration.slots.value
  // Asking must not make the store.
  const history = session.hasStore() ? await jobHistory(await session.store(), job.definition.name) : null
  const items: JsonValue[] = []
  for (const window of selectWindows(job.definition, options.window)) {
    const request = {
      ...(window === null ? {} : { window: window.key }),
      parameters,
      artifact: job.artifact,
      requestedBy: requester(),
    }
    const run = newRun(job.definition, request, session)
    const steps = await planSteps(session, job, run)
    const known = history === null ? null : estimate(steps.map(plannedStep(job)), history, slots)
    const windowKey = window?.key ?? null
    items.push({
      job: job.definition.name,
      window: windowKey,
      steps: steps.map(stepJson),
      estimate: estimateJson(known),
    })
    const title = runTitle({ job: run.job, window: run.window, revision: 1 })
    terminal.print([
      ...(items.length > 1 ? [''] : []),
      ...planLines(title, steps, slots, terminal),
      ...estimateLines(known, terminal),
    ])
  }
  terminal.printJson({ total: items.length, items })
}

function plannedStep(job: LoadedJob): (row: PlannedStepRow) => PlannedStep {
  return ({ step, partitions }) => ({
    name: step,
    partitions,
    after: job.definition.steps.find(({ name }) => name === step)?.after ?? [],
  })
}

function stepJson({ step, kind, partitions, notes, skew }: PlannedStepRow): JsonValue {
  return {
    step,
    kind,
    partitions: partitions === null ? null : partitions.map(({ label, records, bytes }) => ({ label, records, bytes })),
    notes,
    skew:
      skew === null
        ? null
        : {
            ...skew,
            // Half of the partitions are empty: there is no such number in JSON.
            ratio: Number.isFinite(skew.ratio) ? skew.ratio : null,
            large: skew.large.slice(0, LARGE_IN_JSON).map((each) => ({ ...each })),
          },
  }
}

/** Large partitions in `--json`. */
const LARGE_IN_JSON = 100

function estimateJson(known: Estimate | null): JsonValue {
  return known === null ? null : { ...known, steps: known.steps.map((step) => ({ ...step })) }
}

/** Plans in a folder that is thrown away: nothing of the project changes. */
async function planSteps(session: Session, job: LoadedJob, run: NewRun): Promise<readonly PlannedStepRow[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'batchwright-plan-'))
  try {
    const steps: PlannedStepRow[] = []
    for (const step of job.definition.steps) steps.push(await planStep(session, job, run, step, folder))
    return steps
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function planStep(
  session: Session,
  job: LoadedJob,
  run: NewRun,
  step: StepDefinition,
  folder: string,
): Promise<PlannedStepRow> {
  const row = { step: step.name, kind: step.kind, wholeFiles: readsWholeFiles(step) }
  if (readsSteps(step)) return { ...row, partitions: null, notes: [], skew: null }
  const partitions: PartitionPlan[] = []
  const slot = await inlineExecutor({ clock: session.clock }).openSlot()
  try {
    const end = await slot.run(assignmentOf(session, job, run, step, folder), {
      checkpoint: () => Promise.resolve(),
      partitions: (batch) => {
        partitions.push(...batch)
        return Promise.resolve()
      },
      ask: () => Promise.reject(new TypeError('planning asks nothing of the fleet')),
      tell: () => undefined,
      progress: () => undefined,
      log: () => undefined,
    })
    if (end.kind === 'failed') throw errorFromReport(withoutRun(end.error))
    partitions.sort((left, right) => left.index - right.index)
    return { ...row, partitions, notes: end.kind === 'planned' ? end.plan.notes : [], skew: skewOf(partitions) }
  } finally {
    await slot.terminate('the plan is made')
  }
}

function readsWholeFiles(step: StepDefinition): boolean {
  return (
    step.kind === 'records' &&
    step.operations.some((operation) => operation.operation === 'distinct' && operation.within === 'file')
  )
}

/** Whether the step's input is made by the run itself, so that it cannot be planned before. */
function readsSteps(step: StepDefinition): boolean {
  switch (step.kind) {
    case 'records':
      return step.input.from === 'step'
    case 'reduce':
      return true
    case 'sql':
      return [...step.tables.values()].some((input) => input.from === 'step')
    case 'function':
      return false
  }
}

function assignmentOf(
  session: Session,
  job: LoadedJob,
  run: NewRun,
  step: StepDefinition,
  folder: string,
): PlanAssignment {
  const { runId, window, parameters, logicalTime, seed } = run
  return {
    kind: 'plan',
    ref: { taskId: 0, fence: 0, attempt: 1 },
    run: { runId, job: run.job, revision: 1, window, parameters, logicalTime, seed },
    step: step.name,
    folders: { project: session.project.folder, state: session.project.state, run: folder },
    artifact: job.artifact,
    timeoutMs: null,
    upstream: [],
    expected: null,
  }
}

/** Errors of planning say how a run goes on after them. Here there is none. */
function withoutRun(error: ErrorReport): ErrorReport {
  const hint = error.hint?.replace(/, then `batchwright retry RUN[^`]*` goes on/, '')
  return hint === undefined ? error : { ...error, hint }
}
