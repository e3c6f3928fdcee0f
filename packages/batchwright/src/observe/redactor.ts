import type { ErrorReport, JsonValue } from '../kernel/errors.ts'
import type { LogLine } from '../protocol/index.ts'

/** Shorter values would blank out ordinary words; they are no secrets worth the name. */
const SHORTEST = 4

/**
 * Takes secrets out of everything that leaves a slot or is kept of a run (invariant 10): log lines, errors, dead letters. Each is
 * known from the moment that it is read.
 */
export class Redactor {
  /** What stands in for each form of a secret; the longest form first, since a secret may contain another. */
  #marks: readonly (readonly [form: string, mark: string])[] = []
  readonly #onHide: (secret: string, name: string) => void

  /** `onHide` is told of each secret once: for those beyond the slot who relay what it prints. */
  constructor(onHide: (secret: string, name: string) => void = () => undefined) {
    this.#onHide = onHide
  }

  /** From now on the secret is written as `[secret NAME]`. */
  hide(secret: string, name: string): void {
    const known = new Set(this.#marks.map(([form]) => form))
    const fresh = formsOf(secret).filter((form) => !known.has(form))
    if (fresh.length === 0) return
    const marks = fresh.map((form) => [form, `[secret ${name}]`] as const)
    this.#marks = [...this.#marks, ...marks].sort(([left], [right]) => right.length - left.length)
    this.#onHide(secret, name)
  }

  text(text: string): string {
    let clean = text
    for (const [form, mark] of this.#marks) clean = clean.replaceAll(form, mark)
    return clean
  }

  /** Whether a value holds a secret anywhere. */
  holds(value: JsonValue): boolean {
    if (this.#marks.length === 0) return false
    const text = JSON.stringify(value)
    return this.text(text) !== text
  }

  json(value: JsonValue): JsonValue {
    if (this.#marks.length === 0) return value
    if (typeof value === 'string') return this.text(value)
    if (value === null || typeof value !== 'object') return value
    if (isList(value)) return value.map((item) => this.json(item))
    return this.#members(value)
  }

  error(report: ErrorReport): ErrorReport {
    if (this.#marks.length === 0) return report
    return {
      ...report,
      message: this.text(report.message),
      ...(report.stack === undefined ? {} : { stack: this.text(report.stack) }),
      ...(report.details === undefined ? {} : { details: this.#members(report.details) }),
      ...(report.cause === undefined ? {} : { cause: this.error(report.cause) }),
    }
  }

  line(line: LogLine): LogLine {
    if (this.#marks.length === 0) return line
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

/** A secret as it may turn up: as it is, as JSON writes it, as part of a URL; of several lines (a key), each long one. */
function formsOf(secret: string): readonly string[] {
  const lines = secret.split(/\r?\n/)
  const parts = lines.length === 1 ? [secret] : [secret, ...lines.filter((line) => line.length >= LONG_LINE)]
  const forms = parts.flatMap((part) => [part, JSON.stringify(part).slice(1, -1), encodeURIComponent(part)])
  return [...new Set(forms)].filter((form) => form.length >= SHORTEST)
}

/** Shorter lines of a key say nothing, and might be ordinary words. */
const LONG_LINE = 16
