import type { ErrorReport } from '../../kernel/errors.ts'
import type {
  Checkpoint,
  Part,
  PartitionPlan,
  PlanSummary,
  Snapshot,
  StepKind,
  StepOutput,
  TaskKind,
  TaskOutput,
} from '../../protocol/index.ts'
import { NO_OUTPUT } from '../../protocol/index.ts'
import type { NewStep, Page, RunFilter, RunRow, StepRow, TaskRow } from '../contract/index.ts'
import type { StepState, TaskState } from '../states.ts'
import { json, jsonOrNull, number, numberOrNull, text, textOrNull, word, type Row } from './rows.ts'
import { RUN_COLUMNS, runFrom } from './runs.ts'
import type { Dialect, Session, Values } from './session.ts'
import { addTotals, NO_TOTALS, type Totals } from './totals.ts'

const RUNS_PER_PAGE = 50
const TASKS_PER_PAGE = 1000
/** Beyond every character of an id. */
const LAST_CHARACTER = '\u{10ffff}'

export async function findRuns(session: Session, prefix: string, limit: number): Promise<readonly RunRow[]> {
  const rows = await session.all(
    `select ${RUN_COLUMNS} from runs where run_id >= :prefix and run_id < :beyond
       order by run_id limit :limit`,
    { prefix, beyond: `${prefix}${LAST_CHARACTER}`, limit },
  )
  return rows.map(runFrom)
}

export async function listRuns(session: Session, filter: RunFilter): Promise<Page<RunRow>> {
  const conditions = [
    ...(filter.job === undefined ? [] : ['job = :job']),
    ...(filter.identity === undefined ? [] : ['identity = :identity']),
    ...(filter.windowKey === undefined ? [] : ['window_key = :windowKey']),
    ...(filter.states === undefined ? [] : [session.dialect.among('state', 'states', 'text')]),
  ]
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`
  const values: Values = {
    ...(filter.job === undefined ? {} : { job: filter.job }),
    ...(filter.identity === undefined ? {} : { identity: filter.identity }),
    ...(filter.windowKey === undefined ? {} : { windowKey: filter.windowKey }),
    ...(filter.states === undefined ? {} : { states: filter.states }),
  }
  const counted = await session.get(`select count(*) as total from runs ${where}`, values)
  const rows = await session.all(`select ${RUN_COLUMNS} from runs ${where} order by run desc limit :limit`, {
    ...values,
    limit: filter.limit ?? RUNS_PER_PAGE,
  })
  return { total: counted === undefined ? 0 : number(counted, 'total'), items: rows.map(runFrom) }
}

export async function listSteps(session: Session, runId: string): Promise<readonly StepRow[]> {
  const rows = await session.all(
    `select s.*, p.plan from steps s left join plans p on p.run = s.run and p.step = s.step
     where s.run = (select run from runs where run_id = :runId) order by s.step`,
    { runId },
  )
  const steps: StepRow[] = []
  for (const row of rows) {
    steps.push(stepFrom(runId, row, await unfinishedTotals(session, number(row, 'run'), number(row, 'step'))))
  }
  return steps
}

/** The last checkpoints of partitions that have not succeeded. */
async function unfinishedTotals(session: Session, run: number, step: number): Promise<readonly Totals[]> {
  const rows = await session.all(
    `select c.counters, c.controls from checkpoints c join tasks t on t.task_id = c.task_id
       where c.run = :run and c.step = :step and t.kind = 'partition' and t.copy_of is null`,
    { run, step },
  )
  return rows.map(totalsFrom)
}

function totalsFrom(row: Row): Totals {
  return { counters: json<Totals['counters']>(row, 'counters'), controls: json<Totals['controls']>(row, 'controls') }
}

function stepFrom(runId: string, row: Row, unfinished: readonly Totals[]): StepRow {
  const totals = addTotals([NO_TOTALS, totalsFrom(row), ...unfinished])
  const tasks = number(row, 'tasks')
  return {
    runId,
    name: text(row, 'name'),
    kind: word<StepKind>(row, 'kind'),
    order: number(row, 'step'),
    after: json<readonly string[]>(row, 'comes_after'),
    publish: word<NewStep['publish']>(row, 'publish'),
    state: word<StepState>(row, 'state'),
    tasks,
    tasksDone: tasks - number(row, 'remaining'),
    counters: totals.counters,
    controls: totals.controls,
    retries: number(row, 'retries'),
    plan: jsonOrNull<PlanSummary>(row, 'plan'),
    verification: textOrNull(row, 'verification') === null ? null : json<StepRow['verification']>(row, 'verification'),
    startedAt: numberOrNull(row, 'started_at'),
    endedAt: numberOrNull(row, 'ended_at'),
  }
}

export interface TaskFilter {
  readonly step?: string
  readonly states?: readonly TaskState[]
  readonly kind?: TaskKind
  readonly limit?: number
  readonly afterTaskId?: number
}

const TASK_COLUMNS = `t.task_id, (select name from steps s where s.run = t.run and s.step = t.step) as step, t.kind, t.idx, t.label, t.state, t.attempts_used, t.crash_count, t.worker,
  t.not_before, t.origin, t.partition_plan, t.error, c.body as checkpoint, o.body as output`

/** In the order of step, kind and index, which the unique index has: a page costs its own rows, whatever the run's size. */
export async function listTasks(session: Session, runId: string, filter: TaskFilter = {}): Promise<readonly TaskRow[]> {
  const place = await session.get(
    `select r.run, s.step from runs r left join steps s on s.run = r.run and s.name = :step where r.run_id = :runId`,
    { runId, step: filter.step ?? null },
  )
  if (place === undefined || (filter.step !== undefined && place['step'] === null)) return []
  const after =
    filter.afterTaskId === undefined
      ? undefined
      : await session.get('select step, kind, idx from tasks where task_id = :taskId', { taskId: filter.afterTaskId })
  const rows = await session.all(tasksQuery(session.dialect, filter, after !== undefined), {
    run: number(place, 'run'),
    limit: filter.limit ?? TASKS_PER_PAGE,
    ...(filter.step === undefined ? {} : { step: number(place, 'step') }),
    ...(filter.kind === undefined ? {} : { kind: filter.kind }),
    ...(filter.states === undefined || filter.states.length === 1 ? {} : { states: filter.states }),
    ...(after === undefined
      ? {}
      : { afterStep: number(after, 'step'), afterKind: text(after, 'kind'), afterIndex: number(after, 'idx') }),
  })
  return rows.map((row) => taskFrom(runId, row))
}

/** The statement for a filter. A single state is written into the text, so that the partial index of that state serves. */
export function tasksQuery(dialect: Dialect, filter: TaskFilter, after: boolean): string {
  const [state] = filter.states ?? []
  const conditions = [
    't.run = :run',
    't.copy_of is null',
    ...(filter.step === undefined ? [] : ['t.step = :step']),
    ...(filter.kind === undefined ? [] : ['t.kind = :kind']),
    ...(filter.states === undefined
      ? []
      : [
          filter.states.length === 1 && state !== undefined
            ? `t.state = '${state}'`
            : dialect.among('t.state', 'states', 'text'),
        ]),
    ...(after ? ['(t.step, t.kind, t.idx) > (:afterStep, :afterKind, :afterIndex)'] : []),
  ]
  return `select ${TASK_COLUMNS} from tasks t
     left join checkpoints c on c.task_id = t.task_id
     left join outputs o on o.task_id = t.task_id
   where ${conditions.join(' and ')}
   order by t.run, t.step, t.kind, t.idx limit :limit`
}

function taskFrom(runId: string, row: Row): TaskRow {
  const kind = word<TaskKind>(row, 'kind')
  const checkpoint = jsonOrNull<Checkpoint>(row, 'checkpoint')
  const state = word<TaskState>(row, 'state')
  const output =
    jsonOrNull<TaskOutput>(row, 'output') ?? (state === 'succeeded' && kind === 'partition' ? NO_OUTPUT : null)
  const notBefore = number(row, 'not_before')
  return {
    taskId: number(row, 'task_id'),
    runId,
    step: text(row, 'step'),
    kind,
    index: kind === 'partition' ? number(row, 'idx') : null,
    ...(row['origin'] === null ? {} : { origin: number(row, 'origin') }),
    label: text(row, 'label'),
    state,
    attemptsUsed: number(row, 'attempts_used'),
    crashCount: number(row, 'crash_count'),
    workerId: textOrNull(row, 'worker'),
    notBefore: notBefore === 0 ? null : notBefore,
    partition: jsonOrNull<PartitionPlan>(row, 'partition_plan'),
    counters: output?.counters ?? checkpoint?.counters ?? null,
    checkpoint,
    output,
    error: jsonOrNull<ErrorReport>(row, 'error'),
  }
}

export async function stepOutput(session: Session, runId: string, step: string): Promise<StepOutput> {
  const rows = await session.all(
    `select t.idx, t.origin, t.place, o.body from runs r
       join steps s on s.run = r.run and s.name = :step
       join tasks t on t.run = s.run and t.step = s.step and t.kind = 'partition'
       left join outputs o on o.task_id = t.task_id
     where r.run_id = :runId and t.state = 'succeeded' order by coalesce(t.origin, t.idx), t.place`,
    { runId, step },
  )
  const partitions = Map.groupBy(rows, (row) => numberOrNull(row, 'origin') ?? number(row, 'idx'))
  return {
    step,
    tasks: [...partitions].map(([index, pieces]) => ({
      index,
      output: joinPieces(pieces.map((row) => jsonOrNull<TaskOutput>(row, 'body') ?? NO_OUTPUT)),
    })),
  }
}

/** What the pieces of a partition left, in their order, as if it had never been cut. */
function joinPieces(pieces: readonly TaskOutput[]): TaskOutput {
  const [only, ...more] = pieces
  if (only !== undefined && more.length === 0) return only
  const outputs = new Map<string, Part[]>()
  for (const piece of pieces) {
    for (const [name, parts] of Object.entries(piece.outputs)) {
      const joined = outputs.get(name)
      if (joined === undefined) outputs.set(name, [...parts])
      else joined.push(...parts)
    }
  }
  return {
    ...addTotals(pieces),
    outputs: Object.fromEntries(outputs),
    deadLetters: pieces.flatMap(({ deadLetters }) => deadLetters),
    result: null,
  }
}

export async function listSnapshots(
  session: Session,
  runId: string,
): Promise<readonly { readonly step: string; readonly snapshot: Snapshot }[]> {
  const rows = await session.all(
    `select s.name, p.snapshot from runs r
       join plans p on p.run = r.run join steps s on s.run = p.run and s.step = p.step
     where r.run_id = :runId and p.snapshot is not null order by s.step`,
    { runId },
  )
  return rows.map((row) => ({ step: text(row, 'name'), snapshot: json<Snapshot>(row, 'snapshot') }))
}

export async function nextDue(session: Session, runs: readonly string[] | undefined): Promise<number | null> {
  const chosen = runs === undefined ? '' : `and ${session.dialect.among('r.run_id', 'runs', 'text')}`
  const row = await session.get(
    `select ${session.dialect.greatest('t.not_before - store_now()', '0')} as due from tasks t join runs r on r.run = t.run
     where t.state = 'ready' and t.not_before > 0 and r.state in ('queued', 'running') and r.paused = 0 ${chosen}
     order by t.not_before limit 1`,
    runs === undefined ? {} : { runs },
  )
  return row === undefined ? null : number(row, 'due')
}

/** Paths in the checkpoints and outputs of a run's tasks, each once. */
export async function referencedParts(session: Session, runId: string): Promise<readonly string[]> {
  const paths = new Set<string>()
  const run = '(select run from runs where run_id = :runId)'
  for await (const rows of session.pages(`select body from checkpoints where run = ${run}`, { runId })) {
    for (const row of rows) {
      const checkpoint = json<Checkpoint>(row, 'body')
      for (const state of [...Object.values(checkpoint.outputs), checkpoint.deadLetters]) {
        for (const part of state.sealed) paths.add(part.path)
        if (state.open !== null) paths.add(state.open.path)
      }
    }
  }
  const ofRun = `task_id in (select task_id from tasks where run = ${run})`
  for await (const rows of session.pages(`select body from outputs where ${ofRun}`, { runId })) {
    for (const row of rows) {
      const output = json<TaskOutput>(row, 'body')
      for (const part of [...Object.values(output.outputs).flat(), ...output.deadLetters]) paths.add(part.path)
    }
  }
  return [...paths]
}
