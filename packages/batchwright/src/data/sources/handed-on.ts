import { readTaskList } from './upstream-reader.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import type { Part } from '../../protocol/index.ts'
import { writePlanFile } from '../snapshot/block-index.ts'
import { readUpstreamSlice, upstreamPayload } from './payload.ts'
import type { UpstreamTask } from './plan-upstream.ts'

/** What tasks of a step handed on to a partition of the next one; null for a partition that reads no step. */
export interface HandedOn {
  /** As it was planned: `rate`, `rate.refunds` for a named output. */
  readonly source: string
  readonly tasks: readonly UpstreamTask[]
}

/** Reads what a planned partition was handed. Throws PLAN_DAMAGED. */
export async function readHandedOn(payload: JsonValue, runFolder: string): Promise<HandedOn | null> {
  const slice = readUpstreamSlice(payload)
  return slice === null ? null : { source: slice.step, tasks: await readTaskList(slice, runFolder) }
}

/**
 * The same partition on other parts of the same tasks: records keep their places and dead letters their ids. The new list is
 * a plan file of `step` in `runFolder`.
 */
export async function replaceHandedOn(
  payload: JsonValue,
  {
    step,
    runFolder,
    partsOf,
  }: { readonly step: string; readonly runFolder: string; readonly partsOf: (task: number) => readonly Part[] },
): Promise<JsonValue> {
  const slice = readUpstreamSlice(payload)
  if (slice === null) return payload
  const tasks = await readTaskList(slice, runFolder)
  const text = Buffer.from(JSON.stringify(tasks.map((task) => ({ ...task, parts: partsOf(task.task) }))))
  const path = await writePlanFile(runFolder, step, 'upstream', [text])
  return upstreamPayload({ ...slice, list: { path, offset: 0, bytes: text.length } })
}
