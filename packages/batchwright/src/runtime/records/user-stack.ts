import { fileURLToPath } from 'node:url'

/** Where our own code lies: the folder of the sources, or the flat folder of the built package. */
const OURS = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../../' : './', import.meta.url))

/**
 * A stack down to where our code called the job's: what a dead letter keeps. Our own frames say nothing to its reader, and
 * their places differ with how the engine was compiled while it ran: two runs would not give the same bytes.
 */
export function userStack(stack: string): string {
  const lines = stack.split('\n')
  const end = lines.findIndex((line) => /^\s+at /.test(line) && line.includes(OURS))
  return (end === -1 ? lines : lines.slice(0, end)).join('\n')
}
