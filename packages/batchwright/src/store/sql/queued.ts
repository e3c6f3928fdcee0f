import type { TaskKind } from '../../protocol/index.ts'
import { number, text, word, type Row } from './rows.ts'
import { byDialect, type Dialect, type Session } from './session.ts'

/** Steps that hang on a lane, in the order in which claims take from them: oldest run first, then by step. */

/** A step that is queued, as the claim found it. */
export interface QueuedStep extends StepPlace {
  readonly runId: string
  readonly job: string
  /** Whether nothing of its run has been claimed yet. */
  readonly first: boolean
  readonly name: string
  readonly kind: TaskKind
  readonly ready: number
}

export interface StepPlace {
  readonly run: number
  readonly step: number
}

export const BEFORE_ALL: StepPlace = { run: -1, step: -1 }

export interface QueuedPage {
  readonly steps: readonly QueuedStep[]
  /** Where the next page begins; null where there is none. */
  readonly next: StepPlace | null
}

/** A page is not smaller than this: steps that others are just taking from are passed by together. */
const SMALLEST_PAGE = 16

const pageOfLane = ({ by }: Dialect): string => `select s.run, s.step, s.name, s.state, s.ready
  from steps s ${by('steps_queued')}
  where s.lane = :lane and s.ready > 0 and s.held = 0 and (s.run, s.step) > (:afterRun, :afterStep)
    and not exists (
      select 1 from step_services u join services v on v.service = u.service
      where u.run = s.run and u.step = s.step and v.closed_lanes_until > store_now())`
const IN_ORDER = 'order by s.run, s.step limit :limit'

export const queuedSteps = byDialect((dialect) => `${pageOfLane(dialect)} ${IN_ORDER}`)
const queuedOfRuns = byDialect(
  (dialect) =>
    `${pageOfLane(dialect)} and s.run in (select run from runs where ${dialect.among('run_id', 'runs', 'text')}) ${IN_ORDER}`,
)

/**
 * Runs that go on, and do so until the claim has ended: who pauses, cancels or fails one waits for it. One that is just
 * being cancelled is passed by.
 */
const goingOn = byDialect(
  ({ among, forKeyShare }) =>
    `select run, run_id, job, state from runs where ${among('run', 'numbers', 'integer')} and paused = 0
       and state in ('queued', 'running')${forKeyShare === '' ? '' : ` order by run${forKeyShare} skip locked`}`,
)

export async function queuedPage(
  session: Session,
  lane: number,
  after: StepPlace,
  wanted: number,
  runs: readonly string[] | undefined,
): Promise<QueuedPage> {
  const limit = Math.max(SMALLEST_PAGE, wanted)
  const values = { lane, afterRun: after.run, afterStep: after.step, limit }
  const rows =
    runs === undefined
      ? await session.all(queuedSteps(session.dialect), values)
      : await session.all(queuedOfRuns(session.dialect), { ...values, runs })
  const last = rows.at(-1)
  if (last === undefined) return { steps: [], next: null }
  const going = await runsGoingOn(session, new Set(rows.map((row) => number(row, 'run'))))
  const steps = rows.flatMap((row) => stepFrom(row, going.get(number(row, 'run'))))
  return { steps, next: rows.length < limit ? null : { run: number(last, 'run'), step: number(last, 'step') } }
}

async function runsGoingOn(session: Session, numbers: ReadonlySet<number>): Promise<ReadonlyMap<number, Row>> {
  const rows = await session.all(goingOn(session.dialect), { numbers: [...numbers] })
  return new Map(rows.map((row) => [number(row, 'run'), row]))
}

/** The one kind of task that a step in a state gives out: partitions of a plan that is not sealed are none. */
const GIVEN_OUT: Readonly<Record<string, TaskKind>> = {
  planning: 'plan',
  running: 'partition',
  verifying: 'verify',
  publishing: 'publish',
}

function stepFrom(row: Row, run: Row | undefined): readonly QueuedStep[] {
  const kind = GIVEN_OUT[text(row, 'state')]
  if (run === undefined || kind === undefined) return []
  return [
    {
      run: number(row, 'run'),
      step: number(row, 'step'),
      runId: text(run, 'run_id'),
      job: text(run, 'job'),
      first: word<string>(run, 'state') === 'queued',
      name: text(row, 'name'),
      kind,
      ready: number(row, 'ready'),
    },
  ]
}
