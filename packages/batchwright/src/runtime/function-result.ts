import type { FunctionStep } from '../job/index.ts'
import { BatchwrightError, type JsonValue } from '../kernel/errors.ts'
import type { Redactor } from '../observe/index.ts'
import type { Checkpoint, Counters, SinkState } from '../protocol/index.ts'
import { readOwnJson } from './json.ts'

const EMPTY: SinkState = { sealed: [], open: null }

/** Thrown by `save` where the attempt is asked to stop: what was saved is durable, the rest is done by the next attempt. */
export class GiveBack extends Error {
  constructor() {
    super('the attempt was asked to stop; progress is saved')
  }
}

/** The checkpoint of a function step: its own progress, and the files written so far. */
export function functionCheckpoint(saved: {
  readonly step: FunctionStep
  readonly sequence: number
  readonly progress: JsonValue
  readonly counters: Counters
  readonly outputs: Checkpoint['outputs']
  readonly codeVersion: string
}): Checkpoint {
  const { step, sequence, progress, counters, outputs, codeVersion } = saved
  return {
    engine: 1,
    sequence,
    position: null,
    counters,
    controls: {},
    outputs,
    deadLetters: EMPTY,
    state: { version: step.stateVersion, progress },
    codeVersion,
  }
}

/** What a function returns or saves, as JSON. Throws RESULT_INVALID for what JSON cannot say. */
export function asResult(step: string, value: unknown, redactor: Redactor): JsonValue {
  if (value === undefined || value === null || typeof value === 'boolean') return value ?? null
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
