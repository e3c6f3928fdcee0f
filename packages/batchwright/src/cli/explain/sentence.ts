/** What `explain` says: sentences, each with its time and the facts it was made of. */
import type { JsonValue } from '../../kernel/errors.ts'
import { duration } from '../render/text.ts'

export interface Sentence {
  /** Milliseconds since the epoch; null for what is not about one moment. */
  readonly at: number | null
  /** Stable words for programs: `started`, `retried`, `lease-lost`, `blocked`, `published`, `next`, ... */
  readonly kind: string
  readonly text: string
  readonly facts: Readonly<Record<string, JsonValue>>
}

/** A part of the story, with a title. */
export interface Chapter {
  readonly title: string
  readonly sentences: readonly Sentence[]
}

export interface Story {
  readonly title: string
  readonly chapters: readonly Chapter[]
}

export function sentence(
  at: number | null,
  kind: string,
  text: string,
  facts: Readonly<Record<string, JsonValue>> = {},
): Sentence {
  return { at, kind, text, facts }
}

/** `a, b and c`; the first few of many: `a, b, c and 7 more`. */
export function listed(names: readonly string[], most = 5): string {
  const shown = names.length > most ? [...names.slice(0, most), `${names.length - most} more`] : names
  const last = shown.at(-1) ?? ''
  return shown.length < 2 ? last : `${shown.slice(0, -1).join(', ')} and ${last}`
}

/** `"Expected ..."` in the middle of a sentence: without a stop at its end. */
export function clause(text: string): string {
  return text.trim().replace(/\.+$/, '')
}

/** How long something took, as people say it; to the millisecond where it was short: `38 ms`, `1.2 s`. */
export function span(ms: number): string {
  return ms < 100 ? `${Math.round(ms)} ms` : duration(ms)
}
