/** What a peer's worker process says. Times are wall times of the machine, milliseconds with fractions. */
export type FromPeerWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'started'; readonly n: number; readonly at: number }
  | { readonly kind: 'done'; readonly count: number; readonly at: number }
