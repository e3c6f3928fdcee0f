import type { FunctionStep } from '../../job/index.ts'
import { reportError } from '../../kernel/errors.ts'
import { failPoint } from '../../kernel/failpoint.ts'
import type { AttemptPort, BatchAssignment, BatchPort, BatchTask, PartitionAssignment } from '../../protocol/index.ts'
import { runAttempt } from '../attempt.ts'
import { findStep } from '../find-step.ts'
import { asResult, GiveBack } from '../function-result.ts'
import type { SlotHost } from '../host.ts'
import { portLog } from '../log.ts'
import { isThenable } from '../records/operations.ts'
import type { UsedServices } from '../services.ts'
import { Stops } from '../stop.ts'
import { openUsed } from '../used.ts'
import { ItemAttempt, type ItemSurroundings } from './item-attempt.ts'

/**
 * Runs the attempts of a batch, one after the other. Never rejects: each end goes to the port. What the attempts of a step
 * share is opened once, and one whose function gives no promise runs without any. Where that cannot be opened, the
 * attempt at work fails, and those behind it do not begin.
 */
export async function runBatch(batch: BatchAssignment, port: BatchPort, host: SlotHost): Promise<void> {
  let run: RunOne | null = null
  for (const [place, task] of batch.tasks.entries()) {
    if (!port.begin(place)) continue
    if (run === null) {
      try {
        run = await openBatch(batch, port, host)
      } catch (thrown) {
        port.ended({ kind: 'failed', error: host.redactor.error(reportError(thrown)), counters: null })
        return
      }
    }
    const running = run(task)
    if (running !== undefined) await running
  }
}

/** Runs one attempt and tells the port of its end; a promise only where there is something to wait for. */
type RunOne = (task: BatchTask) => Promise<void> | undefined

async function openBatch(batch: BatchAssignment, port: BatchPort, host: SlotHost): Promise<RunOne> {
  const whole = async (task: BatchTask): Promise<void> => {
    port.ended(await runAttempt(alone(batch, task), port.attempt(), host))
  }
  const job = await host.job(batch.artifact)
  const step = findStep(job, batch.step)
  // Clients of services ask the fleet in the name of whichever attempt is at work.
  const shared = step.kind === 'function' && step.files.size === 0 && step.services.size === 0
  if (!shared || job.name !== batch.run.job) return whole
  const { services, around } = await openSurroundings(batch, step, port, host)
  return (task) => {
    if (task.checkpoint !== null) return whole(task)
    const looking = services?.look()
    return looking === undefined ? runItem(task, around) : looking.then(() => runItem(task, around))
  }
}

function runItem(task: BatchTask, around: ItemSurroundings): Promise<void> | undefined {
  const attempt = new ItemAttempt(task, around)
  try {
    const given = around.step.run(attempt)
    if (isThenable(given)) return settle(given, attempt, around)
    end(given, attempt, around)
  } catch (thrown) {
    fail(thrown, attempt, around)
  }
  return undefined
}

async function settle(given: PromiseLike<unknown>, attempt: ItemAttempt, around: ItemSurroundings): Promise<void> {
  try {
    end(await attempt.stops.unless(given), attempt, around)
  } catch (thrown) {
    fail(thrown, attempt, around)
  }
}

function end(returned: unknown, attempt: ItemAttempt, { step, host, port }: ItemSurroundings): void {
  const result = asResult(step.name, returned, host.redactor)
  attempt.release()
  failPoint('loop.finished')
  port.returned(result)
}

function fail(thrown: unknown, attempt: ItemAttempt, { host, port }: ItemSurroundings): void {
  const wait = attempt.release()
  if (wait !== null) port.ended({ kind: 'givenBack', counters: null, wait })
  else if (thrown instanceof GiveBack) port.ended({ kind: 'givenBack', counters: null })
  else port.ended({ kind: 'failed', error: host.redactor.error(reportError(thrown)), counters: null })
}

async function openSurroundings(
  batch: BatchAssignment,
  step: FunctionStep,
  port: BatchPort,
  host: SlotHost,
): Promise<{ readonly services: UsedServices | null; readonly around: ItemSurroundings }> {
  const log = portLog(atWork(port), host)
  const around = { batch, step, port, host, log, use: {} }
  const [first] = batch.tasks
  if (first === undefined || (step.services.size === 0 && step.lookups.size === 0)) return { services: null, around }
  const stops = new Stops(port.attempt().signal)
  try {
    const services = await openUsed(alone(batch, first), step, { host, stops, log })
    return { services, around: { ...around, use: services.clients } }
  } finally {
    stops.release()
  }
}

/** The assignment that one task of a batch would have by itself. */
function alone(batch: BatchAssignment, task: BatchTask): PartitionAssignment {
  const { run, step, folders, artifact, timeoutMs, mended } = batch
  const shared = { run, step, folders, artifact, timeoutMs, ...(mended === undefined ? {} : { mended }) }
  return { ...shared, kind: 'partition', ...task }
}

/** The port of whichever attempt is at work: for what all of them share. */
function atWork(port: BatchPort): Pick<AttemptPort, 'log'> {
  return {
    log: (line) => {
      port.attempt().log(line)
    },
  }
}
