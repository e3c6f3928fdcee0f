import { BatchwrightError } from '../../kernel/errors.ts'
import type { Store } from '../../store/index.ts'
import type { Session } from '../session.ts'
import type { ServiceLog } from './service-log.ts'

const WAIT_MS = 2_000
/** Between two lines about it. */
const REMIND_MS = 60_000

/**
 * The project's store, waited for where it does not answer yet: a service may be started before its database. Null where
 * `signal` is aborted first. Throws what waiting does not mend.
 */
export async function openPatiently(session: Session, log: ServiceLog, signal: AbortSignal): Promise<Store | null> {
  const { clock } = session
  let toldAt: number | null = null
  for (;;) {
    try {
      return await session.store()
    } catch (thrown) {
      if (!(thrown instanceof BatchwrightError) || !thrown.retryable) throw thrown
      await session.close()
      if (toldAt === null || clock.monotonic() - toldAt >= REMIND_MS) {
        log.say('store.trouble', `waiting for the store: ${thrown.message}`, { code: thrown.code })
        toldAt = clock.monotonic()
      }
    }
    try {
      await clock.sleep(WAIT_MS, signal)
    } catch (error) {
      if (signal.aborted) return null
      throw error
    }
  }
}
