import { fileURLToPath } from 'node:url'

/** Where our own code lies: the folder of the sources, or the flat folder of the built package. */
const OURS = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../../' : './', import.meta.url))

/** Where its source maps say that it lies. Asked when the first stack comes, since maps are switched on after loading. */
let mapped: string | null = null

function mappedFolder(): string {
  const own = /(?:file:\/\/)?((?:\/|[A-Za-z]:).*)runtime[\\/]records[\\/]user-stack\.ts/.exec(
    new Error('here').stack ?? '',
  )
  return own?.[1] ?? OURS
}

/**
 * A stack down to where our code called the job's: what a dead letter keeps. Our own frames say nothing to its reader, and
 * their places differ with how the engine was compiled while it ran: two runs would not give the same bytes.
 */
export function userStack(stack: string): string {
  const folder = (mapped ??= mappedFolder())
  const lines = stack.split('\n')
  const end = lines.findIndex((line) => /^\s+at /.test(line) && (line.includes(OURS) || line.includes(folder)))
  return (end === -1 ? lines : lines.slice(0, end)).join('\n')
}
