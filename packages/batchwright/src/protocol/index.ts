/**
 * protocol/: the plain messages in which the two planes meet, and the shapes both of them store. All JSON: types, and the
 * zero that counts begin with.
 * The control plane (engine, store) sends an Assignment out; reports come back, each under its fence. The data plane
 * (runtime, data, trust) knows nothing of the store; the control plane knows nothing of records.
 */
export type * from './assignment.ts'
export type * from './batch.ts'
export type * from './counters.ts'
export { NO_COUNTERS } from './counters.ts'
export { NO_OUTPUT, outputOf } from './no-output.ts'
export type * from './output.ts'
export type * from './report.ts'
export type * from './services.ts'
export type * from './snapshot.ts'
export type * from './window.ts'
