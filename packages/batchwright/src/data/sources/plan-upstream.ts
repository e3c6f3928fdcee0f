import type { PartitionPolicy } from '../../job/model.ts'
import { insideKey } from '../../job/index.ts'
import { canonicalJson, sha256 } from '../../kernel/digest.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { Folders, Part, PartitionPlan, StepOutput } from '../../protocol/index.ts'
import type { PlannedInput } from '../contract.ts'
import { writePlanFile } from '../snapshot/block-index.ts'
import { upstreamPayload } from './payload.ts'
import { sharesOf } from './share.ts'

/** Under `auto`, finished tasks are joined until a partition has this many records. */
const AUTO_RECORDS = 500_000

export interface UpstreamPlanRequest {
  readonly upstream: StepOutput
  /** The named output that is read; default: the records without a name. */
  readonly output?: string | null
  readonly policy: PartitionPolicy
  readonly step: string
  readonly folders: Folders
  /** Digest of the snapshots that the upstream step's records come from; absent where there are none. */
  readonly lineage?: string | null
}

/** Bounds of a partition that was never cut. */
const WHOLE = { since: null, until: null }

/** What one finished task of the upstream step left, as a plan file keeps it. */
export interface UpstreamTask {
  readonly task: number
  /** Stands for the content of the task: names dead letters. */
  readonly digest: string
  readonly parts: readonly Part[]
}

/**
 * Cuts what a step left for its readers into partitions: whole tasks, in order, joined by record count, so that the cut
 * depends on the data alone. A key-hash partition reads everything and keeps its share.
 */
export async function planUpstream(request: UpstreamPlanRequest): Promise<PlannedInput> {
  const { upstream, policy, folders, step } = request
  const named = request.output ?? null
  const output = insideKey(named)
  const source = named === null ? upstream.step : `${upstream.step}.${named}`
  const tasks = upstream.tasks.map(({ index, output: { outputs } }): UpstreamTask => {
    const parts = outputs[output]
    if (parts === undefined) throw outputMissing(upstream.step, index, output)
    return { task: index, digest: taskDigest(request, index, parts), parts }
  })
  const groups = groupTasks(
    tasks.filter((task) => recordsOf([task]) > 0),
    policy,
  )
  const texts = groups.map((group) => Buffer.from(JSON.stringify(group)))
  const path = await writePlanFile(folders.run, step, 'upstream', texts)
  const partitions: PartitionPlan[] = []
  let offset = 0
  for (const [index, group] of groups.entries()) {
    const bytes = texts[index]?.length ?? 0
    for (const share of sharesOf(policy)) {
      partitions.push({
        index: partitions.length,
        payload: upstreamPayload({ kind: 'upstream', step: source, list: { path, offset, bytes }, share, ...WHOLE }),
        label: label(source, group, share),
        records: share === null ? recordsOf(group) : null,
        bytes: group.reduce((sum, task) => sum + task.parts.reduce((total, part) => total + part.bytes, 0), 0),
      })
    }
    offset += bytes
  }
  const notes =
    policy.by === 'keyHash'
      ? [`each of ${policy.count ?? 1} partitions by key reads all of ${source} and keeps its share`]
      : []
  return { files: [], partitions, notes }
}

/**
 * Names the records of a task the same in every run on the same input, wherever its attempts were killed: the bytes of the
 * blocks depend on when commits fell, so nothing of them is in it.
 */
function taskDigest(
  { upstream, lineage, output = null }: UpstreamPlanRequest,
  index: number,
  parts: readonly Part[],
): string {
  const records = parts.reduce((sum, part) => sum + part.records, 0)
  const named = output === null ? {} : { output }
  return sha256(canonicalJson({ lineage: lineage ?? null, step: upstream.step, task: index, records, ...named }))
}

function groupTasks(tasks: readonly UpstreamTask[], policy: PartitionPolicy): readonly (readonly UpstreamTask[])[] {
  if (tasks.length === 0) return []
  if (policy.by === 'keyHash') return [tasks]
  if (policy.by === 'file') return tasks.map((task) => [task])
  const size = policy.by === 'auto' ? AUTO_RECORDS : (policy.size ?? AUTO_RECORDS)
  const measure = policy.by === 'bytes' ? bytesOf : recordsOf
  const groups: UpstreamTask[][] = []
  for (const task of tasks) {
    const last = groups.at(-1)
    if (last === undefined || measure([...last, task]) > size) groups.push([task])
    else last.push(task)
  }
  return groups
}

function recordsOf(tasks: readonly UpstreamTask[]): number {
  return tasks.reduce((sum, task) => sum + task.parts.reduce((total, part) => total + part.records, 0), 0)
}

function bytesOf(tasks: readonly UpstreamTask[]): number {
  return tasks.reduce((sum, task) => sum + task.parts.reduce((total, part) => total + part.bytes, 0), 0)
}

function label(
  step: string,
  group: readonly UpstreamTask[],
  share: { readonly share: number; readonly of: number } | null,
): string {
  if (share !== null) return `${step} key ${share.share + 1}/${share.of}`
  const first = group[0]?.task ?? 0
  const last = group.at(-1)?.task ?? first
  return first === last ? `${step} ${first}` : `${step} ${first}-${last}`
}

function outputMissing(step: string, task: number, output: string): BatchwrightError {
  return new BatchwrightError({
    code: 'UPSTREAM_OUTPUT_MISSING',
    message: `expected task ${task} of step ${step} to have left an output "${output}" for its readers, found none`,
    hint: `Run the step again: \`batchwright retry RUN --from ${step}\`.`,
    details: { step, task, output },
  })
}
