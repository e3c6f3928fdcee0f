/**
 * The catalogue of errors: one entry for every code that Batchwright raises. `explain CODE` prints it, and
 * docs/reference/errors.md is written from it. Loaded only when asked for: a command that works never reads it.
 */
import type { Catalogue } from './entry.ts'
import { TYPING } from './typing.ts'

export type { Catalogue, CatalogueEntry } from './entry.ts'

export const CATALOGUE: Catalogue = { ...TYPING }
