/** Whether a command said what its page shows, apart from what differs from run to run. */

const ANY_LINES = '…'

/**
 * What differs from run to run, and the sign that stands for it on both sides. So a page may show real ids and times. Runs
 * of spaces count as two: a longer number moves the columns.
 */
const VARIABLE: readonly (readonly [RegExp, string])[] = [
  [/\b\d[0-9a-z]{17}\b/g, '<run>'],
  [/\b[0-9a-f]{64}\b|\b[0-9a-f]{16,20}\b/g, '<digest>'],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?/g, '<instant>'],
  [/\b\d\d:\d\d:\d\d(?:\.\d+)?\b/g, '<instant>'],
  [/\b\d+ min \d+ s\b|[<~]?\b\d+(?:\.\d+)? ?(?:ms|s|min)\b/g, '<time>'],
  [/\b[\d,]+(?:\.\d+)?[kM]?(?= ?(?:records)?\/s\b)/g, '<rate>'],
  [/[░▒▓█▏▎▍▌▋▊▉▇▆▅▄▃▂▁]+/g, '<bar>'],
  // Behind a time its share or its rate: columns of the same table.
  [/<time>\s+[\d,.]+[kM]?(?: %)?(?=\s|$)/g, '<time>'],
  [/ {2,}/g, '  '],
]

/** A line as it is compared. */
export function withoutVariables(line: string): string {
  return VARIABLE.reduce((text, [pattern, sign]) => text.replace(pattern, sign), line).trimEnd()
}

/** Whether `said` is what `shown` shows. In what is shown, `…` stands for any text, and alone on its line for any lines. */
export function matches(shown: readonly string[], said: readonly string[]): boolean {
  const pattern = tidy(shown).map((line) => {
    if (line.trim() === ANY_LINES) return '(?:.*\\n)*?'
    return `${withoutVariables(line).split(ANY_LINES).map(escapePattern).join('.*')}\\n`
  })
  const text = tidy(said)
    .map((line) => `${withoutVariables(line)}\n`)
    .join('')
  return new RegExp(`^${pattern.join('')}$`).test(text)
}

/** The text as a regular expression that matches it alone. */
export function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** Without blank lines at both ends. */
export function tidy(lines: readonly string[]): readonly string[] {
  const first = lines.findIndex((line) => line.trim() !== '')
  const last = lines.findLastIndex((line) => line.trim() !== '')
  return first === -1 ? [] : lines.slice(first, last + 1)
}
