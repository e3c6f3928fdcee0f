import { isConnectionLost, partitionOpener } from '../../data/index.ts'
import type { RecordsStep } from '../../job/index.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { AttemptEnd, AttemptPort, Checkpoint, PartitionAssignment } from '../../protocol/index.ts'
import { NO_COUNTERS } from '../../protocol/index.ts'
import type { ContextBase } from '../context.ts'
import type { SlotHost } from '../host.ts'
import { portLog } from '../log.ts'
import { PolicyPatience } from '../patience.ts'
import { onceOf } from '../fleet/once.ts'
import type { UsedServices } from '../services.ts'
import { openUsed } from '../used.ts'
import { Stops } from '../stop.ts'
import { openStepTable } from '../tables.ts'
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
  const sitFrom: SitFrom = (from, number) => {
    tally = new Tally(from.checkpoint?.counters ?? NO_COUNTERS)
    return { ...from, number, tally }
  }
  return await sitToTheEnd(frame, sitFrom)
}

type SitFrom = (from: Sitting['last'], number: number) => Omit<SittingStart, 'table'>

/**
 * One sitting after another: the next one only where an output made the last one rewind, where the connection of a table was
 * cut, or where what it resumed from is gone.
 */
async function sitToTheEnd(frame: AttemptFrame, sitFrom: SitFrom): Promise<AttemptEnd> {
  const { checkpoint } = frame.assignment
  let from: Sitting['last'] = { checkpoint, sequence: checkpoint?.sequence ?? 0 }
  let cutAt: number | null = null
  let opened = await openOrStartOver(frame, from, sitFrom, 0)
  for (let number = 1; ; number += 1) {
    try {
      return await opened.run()
    } catch (thrown) {
      await opened.abort()
      from = opened.last
      if (thrown instanceof Rewind) {
        opened = await openOrStartOver(frame, from, sitFrom, number)
        continue
      }
      // Cut twice at one place: whatever cuts it there is no accident.
      if (!isConnectionLost(thrown) || cutAt === from.sequence || !frame.patience.worth(thrown)) throw thrown
      cutAt = from.sequence
      frame.context.log('warn', `going on from the last commit: ${thrown.message}`, { code: thrown.code })
      opened = await frame.patience.retry(thrown, () => openOrStartOver(frame, from, sitFrom, number))
    }
  }
}

/** Staged parts or state of the checkpoint may be gone with the disk they were on: then the partition starts again. */
async function openOrStartOver(
  frame: AttemptFrame,
  from: Sitting['last'],
  sitFrom: SitFrom,
  number: number,
): Promise<Sitting> {
  const { assignment, step, host } = frame
  const table = await openStepTable(assignment, step, host, from)
  const start = table === null ? from : table.from
  try {
    return await Sitting.open(frame, { ...sitFrom(start, number), table: table?.sink ?? null })
  } catch (thrown) {
    if (start.checkpoint === null || !isLost(thrown)) throw thrown
    const again = await openStepTable(assignment, step, host, { ...start, lost: thrown })
    frame.context.log('warn', `starting the partition again: ${thrown.message}`, { code: thrown.code })
    const fresh = sitFrom({ checkpoint: null, sequence: start.sequence }, number + FRESH)
    return Sitting.open(frame, { ...fresh, table: again?.sink ?? null })
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
    databases: host.databases,
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
      once: onceOf(host.line, assignment.run, host.redactor),
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
