/**
 * What every store does, topic by topic: `store.ts` is the whole of it. Shapes and promises only; the conformance suite holds
 * the stores to them.
 */
export type * from './store.ts'
export type * from './runs.ts'
export type * from './workers.ts'
export type * from './fleet.ts'
export type * from './stragglers.ts'
export type * from './lanes.ts'
export type * from './tasks.ts'
export type * from './services.ts'
export type * from './effects.ts'
export type * from './retention.ts'
export type * from './publication.ts'
export type * from './rows.ts'
export type * from './events.ts'
export type * from './histories.ts'
export type * from './reads.ts'
