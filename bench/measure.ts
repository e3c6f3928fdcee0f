import { spawn } from 'node:child_process'
import path from 'node:path'
import { text } from 'node:stream/consumers'

/** A command that was measured: the whole process, from its start to its end. */
export interface Measured {
  readonly seconds: number
  /** Largest resident memory of the process, its threads included, in MB (10^6 bytes). */
  readonly peakMb: number
  readonly stdout: string
}

/**
 * Runs a Node program and waits for its end. `nodeOptions` stand before the program. Throws with the output where it fails.
 */
export async function measure(
  program: readonly string[],
  options: { readonly nodeOptions?: readonly string[]; readonly cwd?: string } = {},
): Promise<Measured> {
  const recorder = path.join(import.meta.dirname, 'record-memory.js')
  const started = performance.now()
  const child = spawn(process.execPath, [...(options.nodeOptions ?? []), '--import', recorder, ...program], {
    cwd: options.cwd,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const [, output, errors, memory] = child.stdio
  if (!output || !errors || !memory || !('read' in memory)) throw new Error('expected the pipes that were asked for')
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', resolve)
  })
  const [code, stdout, stderr, peak] = await Promise.all([ended, text(output), text(errors), text(memory)])
  const seconds = (performance.now() - started) / 1000
  if (code !== 0) throw new Error(`${program.join(' ')} ended with ${String(code)}\n${stdout}\n${stderr}`)
  return { seconds, peakMb: Number(peak) / 1e6, stdout }
}

/** The middle value; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2
}
