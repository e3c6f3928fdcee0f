/**
 * testing/: the users' test kit, `batchwright/testing`. A virtual clock, seeded chance, and the real engine run in memory
 * with chosen faults. A composition root: it wires store, executor and runtime; nothing below may import it.
 */
export type { RunUntilOptions } from './virtual-clock.ts'
export { VirtualClock } from './virtual-clock.ts'
export { seededRandom } from '../kernel/random.ts'
