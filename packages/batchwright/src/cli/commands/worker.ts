/** `batchwright worker`. */
import { work } from '../fleet/work.ts'
import type { WorkOptions } from '../fleet/work.ts'
import type { ExitCode } from '../failure.ts'
import type { Session } from '../session.ts'

export interface WorkerCommandOptions extends WorkOptions {
  readonly min?: number
  readonly max?: number
}

export function worker(session: Session, options: WorkerCommandOptions): Promise<ExitCode> {
  return work(session, options)
}
