/**
 * executors/: rooms in which one attempt runs at a time. The engine sees only contract.ts; what runs inside a slot is the
 * runtime's. Nothing here knows a store, and nothing on the engine's side of a slot loads user code.
 */
export { BatchBoard } from './board.ts'
export type * from './contract.ts'
export type { InlineExecutorOptions } from './inline.ts'
export { inlineExecutor } from './inline.ts'
export type { ThreadExecutorOptions } from './thread.ts'
export { DEFAULT_SLOT_HEAP_BYTES, threadExecutor } from './thread.ts'
export type { ProcessExecutorOptions } from './process.ts'
export { processExecutor } from './process.ts'
