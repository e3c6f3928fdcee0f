import type { WorkerRow } from '../../store/index.ts'

/** Whether a worker's lease holds at `now`, by the store's clock. */
export function isAtWork(worker: WorkerRow, now: number): boolean {
  return worker.state === 'alive' && worker.expiresAt > now
}
