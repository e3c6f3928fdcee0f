import { definitionError, show } from './names.ts'

/** How far a priority may be from 0. */
const FURTHEST = 1_000

/** Of a job, or of one run of it. Throws PRIORITY_INVALID. */
export function parsePriority(place: string, priority: unknown): number {
  if (typeof priority === 'number' && Number.isSafeInteger(priority) && Math.abs(priority) <= FURTHEST) return priority
  throw definitionError(
    'PRIORITY_INVALID',
    place,
    `expected a whole number from -${FURTHEST} to ${FURTHEST}, found ${typeof priority === 'number' ? priority : show(priority)}`,
    'Runs that say nothing have 0; the higher goes first.',
  )
}
