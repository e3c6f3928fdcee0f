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
 * A stack from the job's own code down to where ours called it: what a dead letter keeps. Frames above it are ours where a
 * function of the library threw, as `Decimal.from` does. Our own frames say nothing to its reader, and
 * their places differ with how the engine was compiled while it ran: two runs would not give the same bytes.
 */
export function userStack(stack: string): string {
  const folder = (mapped ??= mappedFolder())
  const lines = stack.split('\n')
  const first = lines.findIndex((line) => /^\s+at /.test(line))
  if (first === -1) return stack
  const frames = lines.slice(first)
  const ours = (line: string): boolean => line.includes(OURS) || line.includes(folder)
  const called = frames.findIndex((line) => !ours(line) && !line.includes('node:'))
  const from = called === -1 || !ours(frames[0] ?? '') ? 0 : called
  const to = frames.findIndex((line, index) => index >= from && ours(line))
  return [...lines.slice(0, first), ...frames.slice(from, to === -1 ? undefined : to)].join('\n')
}
