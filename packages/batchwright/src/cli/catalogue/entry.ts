/** What the catalogue says about one code. Plain text: `code` in backticks, one sentence after the other. */
export interface CatalogueEntry {
  /** The error in a few words, as a headline. */
  readonly title: string
  /** What it means: for somebody who has just seen the code for the first time. */
  readonly meaning: string
  /** Why it happens, the most common first. */
  readonly causes: readonly string[]
  /** What to do, in the order to try it in. Commands in backticks, with placeholders in capitals. */
  readonly remedies: readonly string[]
  readonly example: {
    /** A message as it was printed, without `error:`. */
    readonly message: string
    /** The command, or the lines of a job file, that mended it. */
    readonly remedy: string
  }
}

/** Entries by code. */
export type Catalogue = Readonly<Record<Uppercase<string>, CatalogueEntry>>
