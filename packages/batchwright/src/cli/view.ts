/** A run as screens and `--json` show it, gathered from the store's rows. Pure: rows in, values out. */
import type { JsonValue } from '../kernel/errors.ts'
import type { Counters, ControlTotals, StepKind, WindowValue } from '../protocol/index.ts'
import type { PublicationRow, RunRow, StepRow, StepState } from '../store/index.ts'
import { isJsonObject, isList } from './json.ts'
import { isoOrNull } from './render/text.ts'

export interface StepView {
  readonly name: string
  readonly kind: StepKind
  readonly after: readonly string[]
  readonly state: StepState
  readonly tasks: number
  readonly tasksDone: number
  readonly counters: Counters
  readonly controls: ControlTotals
  readonly retries: number
  /** Records of its input as planned; null where the plan cannot tell. */
  readonly expected: number | null
  /** Files that it reads from outside the run, and their bytes on disk; 0 where there are none. */
  readonly files: number
  readonly fileBytes: number
  readonly startedAt: number | null
  readonly endedAt: number | null
  readonly notes: readonly string[]
  readonly verification: JsonValue
}

export interface PublishedView {
  readonly dataset: string
  readonly window: string | null
  readonly number: number
  /** Records in it; null where it is not known. */
  readonly rows: number | null
  readonly state: PublicationRow['state']
}

export interface RunView {
  readonly run: RunRow
  readonly steps: readonly StepView[]
  readonly published: readonly PublishedView[]
}

export function dead(counters: Counters): number {
  return counters.deadByRule + counters.deadByContract + counters.deadByError
}

export function stepView(row: StepRow): StepView {
  const files = (row.plan?.snapshot?.files ?? []).filter((file) => file.lookup === undefined)
  return {
    name: row.name,
    kind: row.kind,
    after: row.after,
    state: row.state,
    tasks: row.tasks,
    tasksDone: row.tasksDone,
    counters: row.counters,
    controls: row.controls,
    retries: row.retries,
    expected: files.length === 0 ? null : files.reduce((sum, file) => sum + file.records, 0),
    files: files.length,
    fileBytes: files.reduce((sum, file) => sum + file.bytes, 0),
    startedAt: row.startedAt,
    endedAt: row.endedAt,
    notes: row.plan?.notes ?? [],
    verification: row.verification,
  }
}

export function runView(run: RunRow, rows: readonly StepRow[], publications: readonly PublicationRow[]): RunView {
  const steps = [...rows].sort((left, right) => left.order - right.order).map(stepView)
  const published = publications.map((row) => ({
    dataset: row.dataset,
    window: row.window?.key ?? null,
    number: row.number,
    rows: rowsOf(
      row.dataset,
      rows.find((step) => step.name === row.step),
    ),
    state: row.state,
  }))
  return { run, steps, published }
}

/** The findings of a step's verification, before it none. */
export function checksOf(verification: JsonValue): readonly JsonValue[] {
  const checks = isJsonObject(verification) ? verification['checks'] : verification
  return isList(checks) ? checks : []
}

/** What verification counted of a dataset; before it, what the step has written, where that is all for one dataset. */
function rowsOf(dataset: string, step: StepRow | undefined): number | null {
  const datasets = step !== undefined && isJsonObject(step.verification) ? step.verification['datasets'] : null
  const counted = isJsonObject(datasets) ? datasets[dataset] : undefined
  return typeof counted === 'number' ? counted : (step?.counters.written ?? null)
}

/** `billing 2011-01`, with `r2` from the second revision on. */
export function runTitle(run: Pick<RunRow, 'job' | 'window' | 'revision'>): string {
  return [run.job, run.window?.key, run.revision > 1 ? `r${run.revision}` : undefined]
    .filter((part) => part !== undefined)
    .join(' ')
}

/** How long a run took, or has taken by `now`; null before it started. */
export function elapsedMs(
  row: { readonly startedAt: number | null; readonly endedAt: number | null },
  now: number,
): number | null {
  return row.startedAt === null ? null : Math.max(0, (row.endedAt ?? now) - row.startedAt)
}

/** The first steps of a run begin when it is made; a worker takes the run up a moment later, on a busy machine some seconds. */
const TAKEN_UP_MS = 5_000

/** Whether a step was begun before its run was last taken up, and worked on again since: its records were not read in one go. */
export function carriedOver(step: StepView, run: RunRow): boolean {
  const [began, taken] = [step.startedAt, run.startedAt]
  return (
    began !== null && taken !== null && began < taken - TAKEN_UP_MS && (step.endedAt === null || step.endedAt > taken)
  )
}

/** How long a step took, or has taken by `now`, since its run was last taken up: a night that it lay failed is not work. */
export function stepElapsedMs(step: StepView, run: RunRow, now: number): number | null {
  return elapsedMs(carriedOver(step, run) ? { startedAt: run.startedAt, endedAt: step.endedAt } : step, now)
}

function windowJson(window: WindowValue | null): JsonValue {
  if (window === null) return null
  const { kind, key, start, end, timezone } = window
  return { kind, key, start, end, timezone }
}

/** A run without its steps, as `runs --json` lists it. */
export function runJson(run: RunRow): Record<string, JsonValue> {
  const { failure } = run
  return {
    runId: run.runId,
    job: run.job,
    revision: run.revision,
    state: run.state,
    paused: run.paused,
    window: windowJson(run.window),
    parameters: run.parameters,
    codeVersion: run.codeVersion,
    requestedBy: run.requestedBy,
    tenant: run.tenant === '' ? null : run.tenant,
    priority: run.priority,
    createdAt: isoOrNull(run.createdAt),
    startedAt: isoOrNull(run.startedAt),
    endedAt: isoOrNull(run.endedAt),
    durationMs: run.endedAt === null ? null : elapsedMs(run, run.endedAt),
    replayOf: run.replay?.ofRunId ?? null,
    failure:
      failure === null
        ? null
        : {
            code: failure.code,
            message: failure.message,
            hint: failure.hint ?? null,
            details: failure.details ?? {},
            step: failure.step,
            index: failure.index,
          },
  }
}

export function stepJson(step: StepView): Record<string, JsonValue> {
  const { counters } = step
  return {
    name: step.name,
    kind: step.kind,
    state: step.state,
    partitions: step.tasks,
    partitionsDone: step.tasksDone,
    read: counters.read,
    accepted: counters.accepted,
    written: counters.written,
    outputs: counters.named ?? {},
    files: counters.files ?? {},
    dropped: counters.dropped,
    dead: dead(counters),
    deadByRule: counters.deadByRule,
    deadByContract: counters.deadByContract,
    deadByError: counters.deadByError,
    reasons: counters.reasons,
    bytesRead: counters.bytesRead,
    bytesWritten: counters.bytesWritten,
    retries: step.retries,
    controls: step.controls,
    notes: step.notes,
    verification: step.verification,
    startedAt: isoOrNull(step.startedAt),
    endedAt: isoOrNull(step.endedAt),
  }
}

/** A run with its steps and what it published, as `run --json` and `show --json` print it. */
export function runViewJson(view: RunView): Record<string, JsonValue> {
  return {
    ...runJson(view.run),
    steps: view.steps.map(stepJson),
    published: view.published.map(({ dataset, window, number, rows, state }) => ({
      dataset,
      window,
      version: number,
      rows,
      state,
    })),
  }
}
