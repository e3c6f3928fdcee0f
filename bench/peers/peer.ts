import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * - `tuned`: what the peer's own documentation recommends for throughput.
 * - `defaults`: its defaults, with ten jobs at a time.
 */
export type PeerSettings = 'tuned' | 'defaults'

/** What a job carries: its number. */
export interface JobData {
  readonly n: number
}

export type HandleJob = (job: JobData) => Promise<void> | void

/** Something that is open, in the process that opened it. */
export interface Closable {
  close(): Promise<void>
}

export interface Producer extends Closable {
  /** Adds jobs with the numbers from `from`, in the fastest way the peer documents. */
  addMany(from: number, count: number): Promise<void>
  /** Adds one job. Resolves when the peer has acknowledged it. */
  addOne(n: number): Promise<void>
}

/** A queue for PostgreSQL, as the benchmarks use it. The database is given by URL. */
export interface Peer {
  readonly name: string
  /** The package that it comes in. */
  readonly package: string
  /** Its settings in words, for the table. */
  readonly words: Readonly<Record<PeerSettings, string>>
  /** Makes its tables in an empty database. */
  prepare(url: string): Promise<void>
  produce(url: string): Promise<Producer>
  /** Works on jobs until it is closed. */
  work(url: string, settings: PeerSettings, handle: HandleJob): Promise<Closable>
}

const require = createRequire(import.meta.url)

/**
 * Loads a peer's package, which only the benchmarks install, as the shape that its user here states. It is the border to
 * code without types: what a peer answers is used as documented, and the benchmark fails where it is not.
 */
export async function loadPeer<Shape>(name: string): Promise<Shape> {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- see above
  return (await import(pathToFileURL(require.resolve(name)).href)) as Shape
}

/** The version of a peer that is installed. */
export function peerVersion(name: string): string {
  const manifest: unknown = require(path.join(import.meta.dirname, 'node_modules', name, 'package.json'))
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) return String(manifest.version)
  throw new Error(`${name} does not say its version`)
}
