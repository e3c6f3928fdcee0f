/** Colours, which mean something or are left out. */
export type Tone = 'plain' | 'good' | 'bad' | 'warn' | 'dim' | 'strong' | 'active'

/** Wraps text in a tone; the same text where colours are off. */
export type Paint = (text: string, tone: Tone) => string

const CODES: Readonly<Record<Exclude<Tone, 'plain'>, readonly [number, number]>> = {
  good: [32, 39],
  bad: [31, 39],
  warn: [33, 39],
  active: [36, 39],
  dim: [2, 22],
  strong: [1, 22],
}

export const paintNothing: Paint = (text) => text

export const paintAnsi: Paint = (text, tone) => {
  if (tone === 'plain' || text === '') return text
  const [on, off] = CODES[tone]
  return `\x1b[${on}m${text}\x1b[${off}m`
}

const STATE_TONES: Readonly<Record<string, Tone>> = {
  succeeded: 'good',
  published: 'good',
  failed: 'bad',
  cancelled: 'warn',
  paused: 'warn',
  skipped: 'dim',
  waiting: 'dim',
  queued: 'dim',
  planning: 'active',
  running: 'active',
  verifying: 'active',
  publishing: 'active',
}

/** The tone of a run's, step's or publication's state. */
export function toneOf(state: string): Tone {
  return STATE_TONES[state] ?? 'plain'
}
