/** What one worker holds of a service's concurrency, and would like to hold. */
export interface Holder {
  readonly held: number
  readonly wanted: number
}

/**
 * How many requests at once a worker may have from now on. Never more than what the other live workers leave: what they hold
 * counts until they have said that they hold less, or are known to be dead. Where others want more than they have, nobody
 * keeps more than an even share, or than what is under way (`using`) at the moment.
 */
export function share(
  allowed: number,
  own: { readonly using: number; readonly wanted: number },
  others: readonly Holder[],
): number {
  const taken = others.reduce((sum, { held }) => sum + held, 0)
  const free = Math.max(0, allowed - taken)
  const wanted = Math.max(own.using, own.wanted)
  const waiting = others.some((other) => other.wanted > other.held)
  const claimants = 1 + others.filter((other) => other.wanted > 0 || other.held > 0).length
  const even = waiting ? Math.max(1, Math.ceil(allowed / claimants)) : allowed
  // What is under way cannot be taken back: the limit is reached again when it ends.
  return Math.max(own.using, Math.min(wanted, free, even))
}
