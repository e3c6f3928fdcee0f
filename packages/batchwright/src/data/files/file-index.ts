import { createReadStream } from 'node:fs'
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

/** The files that an index names, in the order in which they were added. Errors: OUTPUT_LOST where the index is gone. */
export async function* readFileIndex(index: {
  readonly path: string
  readonly bytes: number
}): AsyncGenerator<IndexedFile> {
  if (index.bytes === 0) return
  let rest = ''
  try {
    const stream: AsyncIterable<unknown> = createReadStream(index.path, { encoding: 'utf8', end: index.bytes - 1 })
    for await (const text of stream) {
      const lines = (rest + String(text)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) yield parsed(line)
    }
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') throw finishedPartLost(index.path, `${index.bytes} bytes`, 'no such file')
    throw thrown
  }
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
