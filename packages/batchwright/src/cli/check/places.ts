/** Where in the sources a job, step or dataset is defined: found by its name in the call that defines it. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { SourcePlace } from '../../kernel/source-place.ts'

export interface Source {
  /** Relative to the project. */
  readonly file: string
  readonly text: string
}

export function readSources(projectFolder: string, files: readonly string[]): readonly Source[] {
  return files
    .filter((file) => /\.[cm]?[jt]s$/.test(file) && existsSync(file))
    .map((file) => ({ file: path.relative(projectFolder, file), text: readFileSync(file, 'utf8') }))
}

/** `dataset('orders'`, `.records('clean'`: the name in its quotes. Null where the name is put together. */
export function placeOf(
  sources: readonly Source[],
  what: 'job' | 'dataset' | 'service' | 'step',
  name: string,
): SourcePlace | null {
  const call = what === 'step' ? '(?:records|reduce|sql|function)' : what
  const escaped = name.replaceAll(/[^\w-]/g, String.raw`\$&`)
  const pattern = new RegExp(String.raw`\b${call}\s*\(\s*(['"\`])${escaped}\1`)
  for (const { file, text } of sources) {
    const found = pattern.exec(text)
    if (found !== null) return placeAt(file, text, found.index + found[0].length - name.length - 1, name.length)
  }
  return null
}

export function placeAt(file: string, text: string, index: number, length: number): SourcePlace {
  const before = text.slice(0, index).split('\n')
  return { file, line: before.length, column: (before.at(-1) ?? '').length + 1, length, message: null }
}
