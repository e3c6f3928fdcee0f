/** What a process that runs for long says of itself: one readable line for each thing that happened, or one JSON object. */
import type { JsonValue } from '../../kernel/errors.ts'
import { instant } from '../render/text.ts'
import type { Session } from '../session.ts'

export interface ServiceLog {
  /** `event` and `fields` are for programs, `text` for people. */
  say(event: string, text: string, fields?: Readonly<Record<string, JsonValue>>): void
}

/** Lines on stdout, each with the time in UTC: `2026-11-21 10:15:00Z  claimed 4 tasks of billing 2011-01`. */
export function openServiceLog({ terminal, clock }: Pick<Session, 'terminal' | 'clock'>): ServiceLog {
  return {
    say: (event, text, fields = {}) => {
      const at = clock.now()
      terminal.printJsonLines([{ at: new Date(at).toISOString(), event, message: text, ...fields }])
      terminal.print([`${instant(at)}  ${text}`])
    },
  }
}
