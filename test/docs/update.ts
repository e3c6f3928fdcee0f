/** Writes what commands say into the page, in the place of what it showed. */
import type { Mistake } from './page-run.ts'

/** The page with what its commands said. Mistakes that no new output mends stay. */
export function updated(markdown: string, mistakes: readonly Mistake[]): string {
  const lines = markdown.split('\n')
  for (const { line, said } of mistakes.toReversed()) {
    if (said === null) continue
    const [, indent = ''] = /^(\s*)/.exec(lines[line - 1] ?? '') ?? []
    let end = line
    while (!/^\s*(?:\$ |```)/.test(lines[end] ?? '```')) end += 1
    lines.splice(line, end - line, ...said.map((each) => (each === '' ? '' : `${indent}${each}`)))
  }
  return lines.join('\n')
}
