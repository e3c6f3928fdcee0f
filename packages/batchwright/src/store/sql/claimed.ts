import type { Checkpoint, PartitionPlan, RunContext, Snapshot, StepKind, TaskKind } from '../../protocol/index.ts'
import type { ClaimedTask } from '../contract/index.ts'
import { json, jsonOrNull, number, text, textOrNull, word, type Row } from './rows.ts'
import type { Session } from './session.ts'

/** The tasks of an earlier claim that are still owned under it. */
export async function claimed(session: Session, workerId: string, claimId: string): Promise<readonly ClaimedTask[]> {
  const rows = await session.all(
    `select t.task_id, t.fence, t.kind, t.attempts_used, t.crash_count, t.partition_plan, t.run,
       s.name as step, s.kind as step_kind, c.body as checkpoint, p.snapshot
     from tasks t
       join steps s on s.run = t.run and s.step = t.step
       left join checkpoints c on c.task_id = t.task_id
       left join plans p on t.kind = 'plan' and p.run = t.run and p.step = t.step
     where t.worker = :workerId and t.claim = :claimId
     order by t.run, t.step, t.idx`,
    { workerId, claimId },
  )
  const runs = new Map<number, RunPart>()
  const tasks: ClaimedTask[] = []
  for (const row of rows) {
    const run = number(row, 'run')
    let part = runs.get(run)
    if (part === undefined) {
      part = await runPart(session, run)
      runs.set(run, part)
    }
    tasks.push({ ...taskPart(row), ...part })
  }
  return tasks
}

type RunPart = Pick<ClaimedTask, 'run' | 'codeVersion' | 'artifactPath' | 'replay'>

function taskPart(row: Row): Omit<ClaimedTask, keyof RunPart> {
  return {
    taskId: number(row, 'task_id'),
    fence: number(row, 'fence'),
    kind: word<TaskKind>(row, 'kind'),
    step: text(row, 'step'),
    stepKind: word<StepKind>(row, 'step_kind'),
    partition: jsonOrNull<PartitionPlan>(row, 'partition_plan'),
    checkpoint: jsonOrNull<Checkpoint>(row, 'checkpoint'),
    expectedSnapshot: jsonOrNull<Snapshot>(row, 'snapshot'),
    attemptsUsed: number(row, 'attempts_used'),
    crashCount: number(row, 'crash_count'),
  }
}

async function runPart(session: Session, run: number): Promise<RunPart> {
  const row = await session.get(
    `select run_id, job, revision, window_value, parameters, logical_time, seed, code_version, artifact_path, replay
     from runs where run = :run`,
    { run },
  )
  if (row === undefined) throw new Error(`a task belongs to run ${run}, which does not exist`)
  const context: RunContext = {
    runId: text(row, 'run_id'),
    job: text(row, 'job'),
    revision: number(row, 'revision'),
    window: jsonOrNull<NonNullable<RunContext['window']>>(row, 'window_value'),
    parameters: json<RunContext['parameters']>(row, 'parameters'),
    logicalTime: text(row, 'logical_time'),
    seed: number(row, 'seed'),
  }
  return {
    run: context,
    codeVersion: text(row, 'code_version'),
    artifactPath: text(row, 'artifact_path'),
    replay: textOrNull(row, 'replay') === null ? null : json<NonNullable<RunPart['replay']>>(row, 'replay'),
  }
}
