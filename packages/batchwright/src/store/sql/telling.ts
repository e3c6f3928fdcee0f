import { emit } from './events.ts'
import type { OwnedTask } from './leases.ts'
import { text } from './rows.ts'
import type { Session } from './session.ts'

/** An event about one task. */
export async function tell(
  session: Session,
  task: OwnedTask,
  type: string,
  data: Parameters<typeof emit>[1]['data'],
): Promise<void> {
  const row = await session.get('select name from steps where run = :run and step = :step', {
    run: task.ref.run,
    step: task.step,
  })
  await emit(session, {
    runId: task.ref.runId,
    step: row === undefined ? '' : text(row, 'name'),
    type,
    data: { kind: task.kind, task: task.taskId, partition: task.index, ...data },
  })
}
