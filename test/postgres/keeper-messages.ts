/** What goes over the channel between a test and the keeper of its server. */
export interface ToKeeper {
  readonly order: 'start' | 'stop' | 'crash' | 'leave'
}

export type FromKeeper =
  | { readonly state: 'running'; readonly url: string }
  | { readonly state: 'stopped' }
  | { readonly state: 'failed'; readonly message: string }
