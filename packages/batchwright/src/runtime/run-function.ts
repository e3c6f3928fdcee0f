import type { FileWriter, FunctionContext, FunctionStep } from '../job/index.ts'
import { BatchwrightError, type JsonValue } from '../kernel/errors.ts'
import { failPoint } from '../kernel/failpoint.ts'
import type { AttemptEnd, AttemptPort, Checkpoint, PartitionAssignment } from '../protocol/index.ts'
import { NO_COUNTERS } from '../protocol/index.ts'
import type { ContextBase } from './context.ts'
import { FileOutputs, type FileCall } from './files/file-outputs.ts'
import { attemptFolders } from './folders.ts'
import type { SlotHost } from './host.ts'
import { asResult, functionCheckpoint, GiveBack } from './function-result.ts'
import { isJsonObject } from './json.ts'
import { onceOf } from './fleet/once.ts'
import { portLog } from './log.ts'
import { FRESH, isLost } from './records/lost.ts'
import { Tally } from './records/tally.ts'
import type { UsedServices } from './services.ts'
import { isThenable } from './records/operations.ts'
import { Stops } from './stop.ts'
import { openUsed } from './used.ts'

/** A function step: the job's own code, with progress that it saves and finds again. Its return value is the step's result. */
export async function runFunction(
  assignment: PartitionAssignment,
  step: FunctionStep,
  port: AttemptPort,
  host: SlotHost,
): Promise<AttemptEnd> {
  const stops = new Stops(port.signal)
  try {
    const log = portLog(port, host)
    const services = await openUsed(assignment, step, { host, stops, log })
    const start = await openStart(assignment, step, log)
    try {
      return await runFrom(start, { assignment, step, port, host, stops, services, log })
    } catch (thrown) {
      await start.files.abort()
      if (thrown instanceof GiveBack) return { kind: 'givenBack', counters: null }
      throw thrown
    }
  } finally {
    stops.release()
  }
}

/** Where an attempt goes on, with its file outputs open there. */
interface Start {
  readonly checkpoint: Checkpoint | null
  readonly files: FileOutputs
}

/** At the last progress that was saved; at the beginning where files that it names are gone. */
async function openStart(assignment: PartitionAssignment, step: FunctionStep, log: ContextBase['log']): Promise<Start> {
  const { checkpoint, artifact } = assignment
  const openAt = async (from: Checkpoint | null, sitting: number): Promise<Start> => {
    const folders = attemptFolders(assignment, sitting)
    const states = from?.outputs ?? {}
    const files = await FileOutputs.open(step.files, { folders, codeVersion: artifact.codeVersion, states })
    return { checkpoint: from, files }
  }
  try {
    return await openAt(checkpoint, 0)
  } catch (thrown) {
    if (checkpoint === null || !isLost(thrown)) throw thrown
    log('warn', `starting the step again: ${thrown.message}`, { code: thrown.code })
    return openAt(null, FRESH)
  }
}

interface Means {
  readonly assignment: PartitionAssignment
  readonly step: FunctionStep
  readonly port: AttemptPort
  readonly host: SlotHost
  readonly stops: Stops
  readonly services: UsedServices
  readonly log: ContextBase['log']
}

async function runFrom({ checkpoint, files }: Start, means: Means): Promise<AttemptEnd> {
  const { assignment, step, port, host, stops, services, log } = means
  const { run, artifact } = assignment
  const tally = new Tally(checkpoint?.counters ?? NO_COUNTERS)
  for (const name of files.names) tally.file(name, 0)
  let sequence = assignment.checkpoint?.sequence ?? 0
  let call = files.call()
  /** Makes what was written so far part of the outputs; what follows belongs to the next save. */
  const take = async (): Promise<void> => {
    const written = call
    // At once: what is asked for while the others are awaited is the next one's, and is not lost between the two.
    call = files.call()
    await written.written()
    for (const [name, count] of await files.add([written])) tally.file(name, count)
  }
  const save = async (progress: JsonValue, fraction?: number): Promise<void> => {
    const saved = asResult(step.name, progress, host.redactor)
    await take()
    const outputs = await files.commit()
    failPoint('loop.sink-committed')
    sequence += 1
    await port.checkpoint(
      functionCheckpoint({
        step,
        sequence,
        progress: saved,
        counters: tally.counters(files.bytes),
        outputs,
        codeVersion: artifact.codeVersion,
      }),
    )
    failPoint('loop.checkpointed')
    if (fraction !== undefined) port.progress({ counters: tally.counters(files.bytes), fraction })
    if (stops.asked()) throw new GiveBack()
    await services.look()
  }
  const context: FunctionContext = {
    window: run.window,
    parameters: run.parameters,
    logicalTime: run.logicalTime,
    item: step.each === null ? null : assignment.partition.payload,
    index: assignment.partition.index,
    use: services.clients,
    files: Object.fromEntries(
      [...files.names].map((name): readonly [string, FileWriter] => [
        name,
        { write: (file, content) => writerOf(call, name).write(file, content) },
      ]),
    ),
    signal: stops.hard,
    once: onceOf(host.line, run, host.redactor),
    log,
    progress: readProgress(step, checkpoint?.state ?? null),
    save,
  }
  const given = step.run(context)
  const returned = isThenable(given) ? await stops.unless(given) : given
  const result = asResult(step.name, returned, host.redactor)
  await take()
  call.close()
  const outputs = await files.finish()
  failPoint('loop.finished')
  return {
    kind: 'finished',
    output: { counters: tally.counters(files.bytes), controls: {}, outputs, deadLetters: [], result },
  }
}

function writerOf(call: FileCall, output: string): FileWriter {
  const writer = call.writers[output]
  if (writer === undefined) throw new TypeError(`no file output ${output}`)
  return writer
}

function readProgress(step: FunctionStep, state: JsonValue): JsonValue {
  if (!isJsonObject(state)) return null
  const { version, progress } = state
  if (version === step.stateVersion) return progress ?? null
  throw new BatchwrightError({
    code: 'STATE_VERSION',
    message: `step ${step.name}: expected progress of state version ${step.stateVersion}, found ${JSON.stringify(version)}`,
    hint: 'Start the step again (`batchwright retry RUN --from STEP`), or go on with the code that saved the progress (`batchwright retry RUN --code pinned`).',
    details: { step: step.name, expected: step.stateVersion, found: version ?? null },
  })
}
