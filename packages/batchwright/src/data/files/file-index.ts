import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import type { Part } from '../../protocol/index.ts'
import { finishedPartLost, systemCode } from '../sinks/storage-errors.ts'
import { checkFileName } from './file-name.ts'

/** A file of a dataset of files: what it is called there, and where it lies now. */
export interface IndexedFile {
  readonly name: string
  /** Absolute. */
  readonly path: string
  readonly bytes: number
  /** Hex. */
  readonly sha256: string
}

/**
 * The files that an index names, in the order in which they were added. Errors: OUTPUT_LOST where the index is gone, or is
 * not as it was written: a file that it does not name any more would be missing without a word.
 */
export async function* readFileIndex({
  path,
  bytes,
  sha256,
}: Pick<Part, 'path' | 'bytes' | 'sha256'>): AsyncGenerator<IndexedFile> {
  if (bytes === 0) return
  const hash = createHash('sha256')
  const decoder = new StringDecoder('utf8')
  const lines: string[] = []
  let found = 0
  let rest = ''
  try {
    const stream: AsyncIterable<unknown> = createReadStream(path, { end: bytes - 1 })
    for await (const piece of stream) {
      if (!(piece instanceof Uint8Array)) continue
      hash.update(piece)
      found += piece.length
      const [first = '', ...more] = decoder.write(piece).split('\n')
      rest += first
      for (const next of more) {
        lines.push(rest)
        rest = next
      }
    }
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') throw finishedPartLost(path, `${bytes} bytes`, 'no such file')
    throw thrown
  }
  if (found !== bytes) throw finishedPartLost(path, `${bytes} bytes`, `${found} bytes`)
  if (hash.digest('hex') !== sha256) throw finishedPartLost(path, 'the bytes that were written', 'other bytes')
  for (const line of lines) yield parsed(line)
}

/** Written by the file sink, line by line; names go on to file systems, and are looked at once more. */
function parsed(line: string): IndexedFile {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- our own format, sealed by its digest
  const file = JSON.parse(line) as IndexedFile
  checkFileName(file.name)
  return file
}

/** The parts that stand for the files of some indexes, in the order of their names: as they are published. */
export async function filesOf(indexes: readonly Part[]): Promise<readonly (Part & { readonly name: string })[]> {
  const files: (Part & { readonly name: string })[] = []
  for (const index of indexes) {
    for await (const { name, path, bytes, sha256 } of readFileIndex(index)) {
      files.push({ name, path, bytes, sha256, format: 'files', records: 1, codeVersion: index.codeVersion })
    }
  }
  return files.sort((a, b) => (a.name < b.name ? -1 : 1))
}
