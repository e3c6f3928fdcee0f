import type { FunctionContext, FunctionStep } from '../job/index.ts'
import { BatchwrightError, type JsonValue } from '../kernel/errors.ts'
import { failPoint } from '../kernel/failpoint.ts'
import type { AttemptEnd, AttemptPort, PartitionAssignment, SinkState } from '../protocol/index.ts'
import type { SlotHost } from './host.ts'
import { isJsonObject, readOwnJson } from './json.ts'
import type { Redactor } from './redact.ts'
import { portLog } from './log.ts'
import { NO_COUNTERS } from './records/tally.ts'
import { isThenable } from './records/operations.ts'
import { Stops } from './stop.ts'
import { openUsed } from './used.ts'

const EMPTY: SinkState = { sealed: [], open: null }

/** A function step: the job's own code, with progress that it saves and finds again. Its return value is the step's result. */
export async function runFunction(
  assignment: PartitionAssignment,
  step: FunctionStep,
  port: AttemptPort,
  host: SlotHost,
): Promise<AttemptEnd> {
  const stops = new Stops(port.signal)
  try {
    const context = await functionContext(assignment, step, port, host, stops)
    const given = step.run(context)
    const result = isThenable(given) ? await stops.unless(given) : given
    failPoint('loop.finished')
    return {
      kind: 'finished',
      output: {
        counters: NO_COUNTERS,
        controls: {},
        outputs: {},
        deadLetters: [],
        result: asJson(step.name, result, host.redactor),
      },
    }
  } catch (thrown) {
    if (thrown instanceof GiveBack) return { kind: 'givenBack', counters: null }
    throw thrown
  } finally {
    stops.release()
  }
}

async function functionContext(
  assignment: PartitionAssignment,
  step: FunctionStep,
  port: AttemptPort,
  host: SlotHost,
  stops: Stops,
): Promise<FunctionContext> {
  const { run, checkpoint, artifact } = assignment
  let sequence = checkpoint?.sequence ?? 0
  const log = portLog(port, host)
  const services = await openUsed(assignment, step, { host, stops, log })
  const save = async (progress: JsonValue, fraction?: number): Promise<void> => {
    sequence += 1
    await port.checkpoint({
      engine: 1,
      sequence,
      position: null,
      counters: NO_COUNTERS,
      controls: {},
      outputs: {},
      deadLetters: EMPTY,
      state: { version: step.stateVersion, progress: asJson(step.name, progress, host.redactor) },
      codeVersion: artifact.codeVersion,
    })
    failPoint('loop.checkpointed')
    if (fraction !== undefined) port.progress({ counters: NO_COUNTERS, fraction })
    if (stops.asked()) throw new GiveBack()
    await services.look()
  }
  return {
    window: run.window,
    parameters: run.parameters,
    logicalTime: run.logicalTime,
    use: services.clients,
    signal: stops.hard,
    log,
    progress: readProgress(step, checkpoint?.state ?? null),
    save,
  }
}

/** Thrown by `save` where the attempt is asked to stop: what was saved is durable, the rest is done by the next attempt. */
class GiveBack extends Error {
  constructor() {
    super('the attempt was asked to stop; progress is saved')
  }
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

/** What a function returns or saves, as JSON. Throws RESULT_INVALID for what JSON cannot say. */
function asJson(step: string, value: unknown, redactor: Redactor): JsonValue {
  const json = plainJson(step, value)
  if (!redactor.holds(json)) return json
  throw new BatchwrightError({
    code: 'SECRET_IN_RESULT',
    message: `step ${step}: expected no secret of a service in what is returned or saved, found one`,
    hint: 'What a function step returns and saves is kept in the store: leave secrets, and URLs with them, out of it.',
    details: { step },
  })
}

function plainJson(step: string, value: unknown): JsonValue {
  try {
    const text = JSON.stringify(value) as string | undefined
    return text === undefined ? null : readOwnJson<JsonValue>(text)
  } catch (cause) {
    throw new BatchwrightError({
      code: 'RESULT_INVALID',
      message: `step ${step}: expected plain JSON to be returned or saved: ${cause instanceof Error ? cause.message : String(cause)}`,
      hint: 'Return small plain values; large ones belong in a dataset.',
      details: { step },
      cause,
    })
  }
}
