import { planParts, type JobDefinition } from '../job/index.ts'
import type { JsonValue } from '../kernel/errors.ts'

export { planFingerprint as stepFingerprint } from '../job/index.ts'

/** What a step's fingerprint is made of, by name: for saying what differs between two. */
export function stepShape(job: JobDefinition, step: string): Readonly<Record<string, JsonValue>> {
  return planParts(job, step)
}
