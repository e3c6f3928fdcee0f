import type { ErrorReport, JsonValue } from '../kernel/errors.ts'
import type { LogLine } from '../protocol/index.ts'

const MASK = '[secret]'
/** Shorter values would blank out ordinary words. */
const SHORTEST = 4

/** Takes the secrets that this slot has read out of everything that leaves it: log lines, errors, dead letters. */
export class Redactor {
  readonly #secrets = new Set<string>()

  hide(secret: string): void {
    if (secret.length >= SHORTEST) this.#secrets.add(secret)
  }

  text(text: string): string {
    if (this.#secrets.size === 0) return text
    let clean = text
    for (const secret of this.#secrets) clean = clean.replaceAll(secret, MASK)
    return clean
  }

  json(value: JsonValue): JsonValue {
    if (this.#secrets.size === 0) return value
    if (typeof value === 'string') return this.text(value)
    if (value === null || typeof value !== 'object') return value
    if (isList(value)) return value.map((item) => this.json(item))
    return this.#members(value)
  }

  error(report: ErrorReport): ErrorReport {
    if (this.#secrets.size === 0) return report
    return {
      ...report,
      message: this.text(report.message),
      ...(report.stack === undefined ? {} : { stack: this.text(report.stack) }),
      ...(report.details === undefined ? {} : { details: this.#members(report.details) }),
      ...(report.cause === undefined ? {} : { cause: this.error(report.cause) }),
    }
  }

  line(line: LogLine): LogLine {
    if (this.#secrets.size === 0) return line
    return {
      ...line,
      message: this.text(line.message),
      ...(line.fields === undefined ? {} : { fields: this.#members(line.fields) }),
    }
  }

  #members(members: Readonly<Record<string, JsonValue>>): Readonly<Record<string, JsonValue>> {
    return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, this.json(value)]))
  }
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}
