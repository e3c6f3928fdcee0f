/** What sample inputs are made with: chance that is the same every time, and files. */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import path from 'node:path'

/** What a file is made of, piece by piece, so that a large one needs no memory. By path from the project's folder. */
export type Files = Readonly<Record<string, Iterable<string | Uint8Array>>>

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The size asked for on the command line; without one, what came with the project. */
export function sizeAsked(usual: number): number {
  const size = Number(process.argv[2] ?? usual)
  if (Number.isSafeInteger(size) && size > 0) return size
  throw new Error(`expected a whole number from 1, found ${String(process.argv[2])}`)
}

/** Writes the files, over those that are there. */
export function writeFiles(files: Files): void {
  for (const [file, pieces] of Object.entries(files)) {
    mkdirSync(path.dirname(file), { recursive: true })
    const open = openSync(file, 'w')
    for (const piece of gathered(pieces)) writeSync(open, piece)
    closeSync(open)
  }
  const names = Object.keys(files)
  console.log(names.length === 1 ? `wrote ${String(names[0])}` : `wrote ${String(names.length)} files`)
}

/** Few large writes instead of one for each piece. */
function* gathered(pieces: Iterable<string | Uint8Array>): Generator<Uint8Array> {
  let buffers: Uint8Array[] = []
  let bytes = 0
  for (const piece of pieces) {
    const buffer = Buffer.from(piece)
    buffers.push(buffer)
    bytes += buffer.length
    if (bytes < 1_000_000) continue
    yield Buffer.concat(buffers)
    buffers = []
    bytes = 0
  }
  yield Buffer.concat(buffers)
}
