/**
 * testing/: the users' test kit, `batchwright/testing`. A virtual clock, seeded chance, and the real engine run in memory
 * with chosen faults. A composition root: it wires store, executor and runtime; nothing below may import it.
 */
export { seededRandom } from '../kernel/random.ts'
export type { FakeCall, FakeService } from './fakes.ts'
export { fakeService } from './fakes.ts'
export type { Fault } from './faults.ts'
export type { GoldenOptions, GoldenSubject } from './golden/matches-golden.ts'
export { matchesGolden } from './golden/matches-golden.ts'
export type { InputRows, Inputs } from './inputs.ts'
export type { RestartOptions, RestartReport } from './restart.ts'
export { restartAtEveryCommit } from './restart.ts'
export type { InMemoryOptions, InMemoryResult } from './run-in-memory.ts'
export { runInMemory } from './run-in-memory.ts'
export { withFakes } from './services.ts'
export { assertDead, assertDropped, assertRecords, assertWritten } from './step/assertions.ts'
export type { Dead, Dropped, Failed, Rejected, StepOutcome, StepReport, Written } from './step/outcome.ts'
export type { StepTestOptions } from './step/setting.ts'
export type { AnyRecord, FunctionTestOptions } from './step/test-step.ts'
export { testStep } from './step/test-step.ts'
export type { RunUntilOptions } from './virtual-clock.ts'
export { VirtualClock } from './virtual-clock.ts'

// Types that the ones above are made of.
export type { DeadLetter } from '../data/index.ts'
export type { AttemptLogLine } from '../engine/index.ts'
export type { Clock, Timer } from '../kernel/clock.ts'
export type { Random } from '../kernel/random.ts'
export type { ControlTotals, Counters, LogLine } from '../protocol/index.ts'
export type { DeadLetterReplay, RunRow, RunState, StoreEvent } from '../store/index.ts'
