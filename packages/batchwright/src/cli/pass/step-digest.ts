import type { JobDefinition } from '../../job/index.ts'
import { sha256 } from '../../kernel/digest.ts'

/**
 * What each step is made of, as a digest: its settings, its datasets and the text of its functions. A change in what those
 * functions call does not show: then the code version has changed, and no step has.
 */
export function stepDigests(job: JobDefinition): Readonly<Record<string, string>> {
  return Object.fromEntries(job.steps.map((step) => [step.name, sha256(JSON.stringify(step, asText))]))
}

function asText(_: string, value: unknown): unknown {
  if (typeof value === 'function') return String(value)
  if (typeof value === 'bigint' || value instanceof RegExp) return String(value)
  return value instanceof Map ? [...value] : value
}
