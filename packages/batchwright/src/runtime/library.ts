/**
 * The library as job files see it: `import ... from 'batchwright'` in a bundle takes it from here. Whoever loads artifacts
 * sets it first, so that there is one copy of the library in a process.
 */
import * as library from '../index.ts'

const LIBRARY = Symbol.for('batchwright.library')

/** Names that `batchwright` exports: a bundle that imports another is refused when it is built. */
export const LIBRARY_NAMES: readonly string[] = Object.keys(library).sort()

export function provideLibrary(): void {
  Object.assign(globalThis, { [LIBRARY]: library })
}
