/**
 * observe/: what can be seen of a run beside its state: its log, kept with the run, and the secrets that are taken out of all
 * that is said. Written by whoever composes the parts, from the lines that attempts send; read by the screens. Nothing here
 * decides anything, and nothing here knows the store.
 */
export { openRunLog } from './run-log.ts'
export type { RunLog, RunLogOptions } from './run-log.ts'
export { RUN_LOG_FILE, type RunLogLine } from './log-line.ts'
export { readRunLog, streamRunLog } from './read-log.ts'
export type { FollowOptions } from './read-log.ts'
export type { LogFilter } from './log-filter.ts'
export { Redactor } from './redactor.ts'
