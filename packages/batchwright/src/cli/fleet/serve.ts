/** The composition root of `batchwright serve --no-dashboard`: the coordinator's duties, without work of its own. */
import { shownAddress } from '../../store/index.ts'
import type { ExitCode } from '../failure.ts'
import { EXIT } from '../failure.ts'
import { listenForInterrupts } from '../interrupt.ts'
import type { Session } from '../session.ts'
import { coordinatorOf } from './coordinate.ts'
import { openPatiently } from './open-patiently.ts'
import { openServiceLog } from './service-log.ts'
import { proveStorage } from './storage.ts'

/** Stands ready, and leads while no other process does, until a signal comes. */
export async function serveDuties(session: Session): Promise<ExitCode> {
  const log = openServiceLog(session)
  const stopping = new AbortController()
  const interrupts = listenForInterrupts((signal) => {
    stopping.abort(new Error(signal))
  })
  try {
    const store = await openPatiently(session, log, stopping.signal)
    if (store === null) return EXIT.succeeded
    await proveStorage(session, store)
    const coordinator = coordinatorOf(session, store, log)
    const about = `store ${shownAddress(session.project.store)}, project ${session.project.folder}`
    log.say('serve.started', `stands ready to lead: ${about}`, { pid: process.pid })
    const stop = (): void => {
      coordinator.stop()
    }
    stopping.signal.addEventListener('abort', stop, { once: true })
    if (stopping.signal.aborted) stop()
    await coordinator.run()
    log.say('serve.ended', 'ended')
    return EXIT.succeeded
  } finally {
    interrupts.release()
  }
}
