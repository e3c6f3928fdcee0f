import type { JsonValue } from '../kernel/errors.ts'
import { NO_COUNTERS } from './counters.ts'
import type { TaskOutput } from './output.ts'

/** What a task leaves behind that only happened: a short one, of a function that returned nothing. Stores keep no row for it. */
export const NO_OUTPUT: TaskOutput = { counters: NO_COUNTERS, controls: {}, outputs: {}, deadLetters: [], result: null }

/** The output of a task that gave a result, and nothing else. */
export function outputOf(result: JsonValue): TaskOutput {
  return result === null ? NO_OUTPUT : { ...NO_OUTPUT, result }
}
