/**
 * Where the job file called a builder's methods. Most mistakes are found in the call; some only when the whole job is known,
 * in `job(...)` itself, and those are shown at the call that they are about. A kept error costs no more than its frames: its
 * text is made when it is asked for.
 */
export class CallSites {
  readonly #sites = new Map<string, Error>()

  /** Keeps the present stack as that of the last call of a method. */
  note(method: string): void {
    this.#sites.set(method, new Error(method))
  }

  /** Gives the error the stack of the first of these methods that was called; leaves it where none was. */
  locate<Located extends Error>(error: Located, ...methods: readonly string[]): Located {
    const site = methods.map((method) => this.#sites.get(method)).find((each) => each !== undefined)
    const frames = site?.stack?.split('\n').filter((line) => /^\s+at /.test(line)) ?? []
    if (frames.length > 0) error.stack = [`${error.name}: ${error.message}`, ...frames].join('\n')
    return error
  }
}

/** The call that made a builder: the place of last resort. */
export const DECLARED = 'declared'
