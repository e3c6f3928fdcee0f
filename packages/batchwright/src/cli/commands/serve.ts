/** `batchwright serve`. */
import type { ExitCode } from '../failure.ts'
import { serveDuties } from '../fleet/serve.ts'
import type { Session } from '../session.ts'

export function serve(session: Session): Promise<ExitCode> {
  return serveDuties(session)
}
