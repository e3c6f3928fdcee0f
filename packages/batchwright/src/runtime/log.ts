import type { JsonValue } from '../kernel/errors.ts'
import type { AttemptPort, LogLine } from '../protocol/index.ts'
import type { SlotHost } from './host.ts'

/** The log of an attempt's user functions: stamped, and without the slot's secrets. */
export function portLog(port: Pick<AttemptPort, 'log'>, host: Pick<SlotHost, 'clock' | 'redactor'>) {
  return (level: LogLine['level'], message: string, fields?: Readonly<Record<string, JsonValue>>): void => {
    const line: LogLine = { level, message, at: host.clock.now(), ...(fields === undefined ? {} : { fields }) }
    port.log(host.redactor.line(line))
  }
}
