import { partitionOpener } from '../../data/index.ts'
import type { RecordsStep } from '../../job/index.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { AttemptEnd, AttemptPort, Checkpoint, PartitionAssignment } from '../../protocol/index.ts'
import { NO_COUNTERS } from '../../protocol/index.ts'
import type { ContextBase } from '../context.ts'
import type { SlotHost } from '../host.ts'
import { portLog } from '../log.ts'
import { PolicyPatience } from '../patience.ts'
import type { UsedServices } from '../services.ts'
import { openUsed } from '../used.ts'
import { Stops } from '../stop.ts'
import { FRESH, isLost } from './lost.ts'
import { Rewind } from './outputs.ts'
import { Sitting, type AttemptFrame, type SittingStart } from './sitting.ts'
import { Tally } from './tally.ts'
import { Unwritable } from './unwritable.ts'

/** Works through one partition of a records step, from its checkpoint on. Throws what fails the attempt. */
export async function runRecords(
  assignment: PartitionAssignment,
  step: RecordsStep,
  port: AttemptPort,
  host: SlotHost,
): Promise<AttemptEnd> {
  const stops = new Stops(port.signal)
  try {
    const log = portLog(port, host)
    const services = await openUsed(assignment, step, { host, stops, log })
    return await workThrough(assignment, step, { port, host, stops, services, log })
  } finally {
    stops.release()
  }
}

/** What an attempt works with. */
interface Means {
  readonly port: AttemptPort
  readonly host: SlotHost
  readonly stops: Stops
  readonly services: UsedServices
  readonly log: ContextBase['log']
}

async function workThrough(assignment: PartitionAssignment, step: RecordsStep, means: Means): Promise<AttemptEnd> {
  const { host, stops, services } = means
  let tally = new Tally(NO_COUNTERS)
  const patience = new PolicyPatience(step.retry, {
    clock: host.clock,
    random: host.random,
    stops,
    onRetry: () => {
      tally.retries += 1
      return services.beforeRetry()
    },
  })
  const frame = frameOf(assignment, step, means, patience)
  const sitFrom = (from: Sitting['last'], number: number): SittingStart => {
    tally = new Tally(from.checkpoint?.counters ?? NO_COUNTERS)
    return { ...from, number, tally }
  }
  return await sitToTheEnd(frame, sitFrom)
}

/** One sitting after another: the next one only where an output made the last one rewind, or what it resumed from is gone. */
async function sitToTheEnd(
  frame: AttemptFrame,
  sitFrom: (from: Sitting['last'], number: number) => SittingStart,
): Promise<AttemptEnd> {
  const { checkpoint } = frame.assignment
  let from: Sitting['last'] = { checkpoint, sequence: checkpoint?.sequence ?? 0 }
  for (let number = 0; ; number += 1) {
    const opened = await openOrStartOver(frame, from, sitFrom, number)
    try {
      return await opened.run()
    } catch (thrown) {
      await opened.abort()
      if (!(thrown instanceof Rewind)) throw thrown
      from = opened.last
    }
  }
}

/** Staged parts or state of the checkpoint may be gone with the disk they were on: then the partition starts again. */
async function openOrStartOver(
  frame: AttemptFrame,
  from: Sitting['last'],
  sitFrom: (from: Sitting['last'], number: number) => SittingStart,
  number: number,
): Promise<Sitting> {
  try {
    return await Sitting.open(frame, sitFrom(from, number))
  } catch (thrown) {
    if (from.checkpoint === null || !isLost(thrown)) throw thrown
    frame.context.log('warn', `starting the partition again: ${thrown.message}`, { code: thrown.code })
    return Sitting.open(frame, sitFrom({ checkpoint: null, sequence: from.sequence }, number + FRESH))
  }
}

function frameOf(
  assignment: PartitionAssignment,
  step: RecordsStep,
  { port, host, stops, services, log }: Means,
  patience: PolicyPatience,
): AttemptFrame {
  refuseNewer(assignment.checkpoint)
  const open = partitionOpener({
    dataset: step.input.from === 'dataset' ? step.input.dataset : null,
    policy: step.partition,
    folders: assignment.folders,
    mended: assignment.mended ?? null,
  })
  return {
    assignment,
    step,
    port,
    host,
    stops,
    patience,
    context: {
      run: assignment.run,
      use: services.clients,
      signal: stops.hard,
      log,
    },
    services,
    open: (position) => open(assignment.partition, position),
    unwritable: new Unwritable(),
  }
}

/** A checkpoint of a later shape than this code knows. */
function refuseNewer(checkpoint: Checkpoint | null): void {
  if (checkpoint === null) return
  const engine: number = checkpoint.engine
  if (engine === 1) return
  throw new BatchwrightError({
    code: 'CHECKPOINT_NEWER',
    message: `expected a checkpoint of shape 1, found shape ${engine}`,
    hint: 'A newer Batchwright made it: resume with that version.',
    details: { expected: 1, found: engine },
  })
}
