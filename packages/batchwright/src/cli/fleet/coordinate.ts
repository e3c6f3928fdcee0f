/** The duties of a fleet, and who does them: each worker and each `serve` stands ready, one leads. */
import { Coordinator, reaping, retention, stragglers } from '../../engine/index.ts'
import type { CoordinatorHooks, Duty } from '../../engine/index.ts'
import { newId } from '../../kernel/ids.ts'
import type { Store } from '../../store/index.ts'
import type { Session } from '../session.ts'
import { tellTrouble } from '../trouble.ts'
import { abandoned } from './abandoned.ts'
import { cleaning } from './cleaning.ts'
import type { ServiceLog } from './service-log.ts'

/** Makes a coordinator that stands by until it leads; `run` it. */
export function coordinatorOf(session: Session, store: Store, log: ServiceLog): Coordinator {
  const { clock, random } = session
  return new Coordinator({
    store,
    duties: dutiesOf(session, log),
    holder: newId(clock, random),
    clock,
    random,
    hooks: hooksOf(session, log),
  })
}

/** Everything that one process at a time does for the fleet. */
function dutiesOf(session: Session, log: ServiceLog): readonly Duty[] {
  const keepMs = session.project.configuration.retention.value
  return [
    stragglers(),
    ...(keepMs === null ? [] : [retention({ keepMs })]),
    reaping({ graceMs: session.project.configuration.workerLease.value }),
    cleaning(session, (lines) => {
      log.say('cleaning.failed', lines.join('\n'))
    }),
    abandoned(session),
  ]
}

function hooksOf({ clock }: Session, log: ServiceLog): CoordinatorHooks {
  const trouble = tellTrouble((lines) => {
    log.say('store.trouble', lines.join('\n'))
  }, clock)
  return {
    leading: (leads) => {
      log.say(leads ? 'coordinator.leads' : 'coordinator.stands-by', leads ? LEADS : STANDS_BY)
    },
    did: (duty, counts) => {
      const words = Object.entries(counts).map(([word, number]) => `${number} ${word}`)
      log.say('duty.done', `${duty}: ${words.join(', ')}`, { duty, ...counts })
    },
    failed: (duty, error) => {
      const why = error instanceof Error ? error.message : String(error)
      log.say('duty.failed', `${duty} failed, and is tried again: ${why}`, { duty, error: why })
    },
    storeTrouble: (error) => {
      trouble.failed(error)
    },
  }
}

const LEADS = 'leads the fleet: does the duties of the coordinator'
const STANDS_BY = 'leads no more: another process does the duties of the coordinator'
