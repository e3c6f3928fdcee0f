import { existsSync, readFileSync } from 'node:fs'

/** Batchwright's version, from the package's own package.json, which lies at another height from the source than from dist/. */
export function packageVersion(): string {
  const [file] = ['../package.json', '../../package.json']
    .map((place) => new URL(place, import.meta.url))
    .filter((place) => existsSync(place))
  if (file === undefined) return 'unknown'
  const text: unknown = JSON.parse(readFileSync(file, 'utf8'))
  return typeof text === 'object' && text !== null && 'version' in text ? String(text.version) : 'unknown'
}
