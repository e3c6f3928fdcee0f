/**
 * testing/: the users' test kit, `batchwright/testing`. A virtual clock, seeded chance, and the real engine run in memory
 * with chosen faults. A composition root: it wires store, executor and runtime; nothing below may import it.
 */
export { seededRandom } from '../kernel/random.ts'
export type { Fault } from './faults.ts'
export type { InputRows, Inputs } from './inputs.ts'
export type { RestartOptions, RestartReport } from './restart.ts'
export { restartAtEveryCommit } from './restart.ts'
export type { InMemoryOptions, InMemoryResult } from './run-in-memory.ts'
export { runInMemory } from './run-in-memory.ts'
export type { RunUntilOptions } from './virtual-clock.ts'
export { VirtualClock } from './virtual-clock.ts'
