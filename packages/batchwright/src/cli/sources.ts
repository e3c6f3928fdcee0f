/** Source files as a run's code was built from: what its source map kept, since the files may have changed after it. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { readSource } from './render/places.ts'

/** Reads sources by their absolute paths: from an artifact's source map, else from the disk. */
export function sourcesOf(artifactPath: string): (file: string) => string | null {
  let kept: ReadonlyMap<string, string> | null = null
  return (file) => {
    kept ??= readMap(`${artifactPath}.map`)
    return kept.get(file) ?? readSource(file)
  }
}

/** Sources by absolute path; nothing where the map is gone or is none. */
function readMap(file: string): ReadonlyMap<string, string> {
  let map: unknown
  try {
    map = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof Error && 'code' in error)) return new Map()
    throw error
  }
  if (typeof map !== 'object' || map === null) return new Map()
  const { sources, sourcesContent }: Partial<Record<string, unknown>> = { ...map }
  if (!isList(sources) || !isList(sourcesContent)) return new Map()
  return new Map(
    sources.flatMap((source, index) => {
      const text = sourcesContent[index]
      if (typeof source !== 'string' || typeof text !== 'string') return []
      return [[path.resolve(path.dirname(file), source), text] as const]
    }),
  )
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}
