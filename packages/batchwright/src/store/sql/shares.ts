/**
 * Fair shares by virtual time: start-time fair queueing (Goyal, Vin, Cheng 1996). Every tenant has a pass, which moves on by
 * 1/weight for each slot's worth that it is given; the one with the lowest is next. A tenant that had nothing to do does
 * not save up: it begins where the one stands that was served last.
 */
export interface Share {
  readonly name: string
  readonly weight: number
  readonly pass: number
}

/** Where a tenant stands that waits: never behind the one that was served last. */
export function startOf(share: Share, clock: number): number {
  return Math.max(share.pass, clock)
}

/**
 * How many of `places` each tenant is given, in the order of their turns; those that get none are left out. Turn by turn,
 * so that the sums of any row of calls are as fair as one great call.
 */
export function divide(shares: readonly Share[], clock: number, places: number): ReadonlyMap<string, number> {
  const given = new Map<string, number>()
  const turns = shares.map((share) => ({ share, at: startOf(share, clock) }))
  for (let place = 0; place < places && turns.length > 0; place += 1) {
    const next = turns.reduce((first, turn) => (turn.at < first.at ? turn : first))
    given.set(next.share.name, (given.get(next.share.name) ?? 0) + 1)
    next.at += 1 / next.share.weight
  }
  return given
}
