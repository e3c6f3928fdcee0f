import type { Checkpoint, PartitionSplit } from '../protocol/index.ts'
import type {
  CheckpointItem,
  CheckpointOutcome,
  EndedLease,
  ItemOutcome,
  ReturnedLease,
  StartedLease,
  Store,
  TaskEnd,
  TaskLease,
  UnwrittenStart,
} from '../store/index.ts'
import type { StoreContact } from './contact.ts'
import { CommitGroup } from './group.ts'

/** Items in one store call. */
const GROUP_LIMIT = 500
/** Ends of short tasks come in large groups: the store may work on one while it commits another. */
const END_CALLS = 2

export interface LedgerOptions {
  readonly store: Pick<Store, 'start' | 'checkpoint' | 'finish' | 'giveBack'>
  readonly contact: StoreContact
  /** Resolves when the worker's lease is certain; commits wait for it. */
  readonly whenCertain: () => Promise<void>
}

/** Everything that attempts write, gathered into groups: one store call for many slots. */
export class Ledger {
  readonly #starts: CommitGroup<StartedLease, ItemOutcome>
  readonly #checkpoints: CommitGroup<CheckpointItem, CheckpointOutcome>
  readonly #ends: CommitGroup<EndedLease, ItemOutcome>
  readonly #returns: CommitGroup<ReturnedLease, ItemOutcome>

  constructor(options: LedgerOptions) {
    const { store, contact } = options
    const group = <Item, Outcome>(
      verb: (items: readonly Item[]) => Promise<readonly Outcome[]>,
      calls = 1,
    ): CommitGroup<Item, Outcome> =>
      new CommitGroup<Item, Outcome>({
        commit: async (items) => {
          await options.whenCertain()
          return contact.call(() => verb(items))
        },
        limit: GROUP_LIMIT,
        calls,
      })
    this.#starts = group((leases) => store.start(leases))
    this.#checkpoints = group((items) => store.checkpoint(items))
    this.#ends = group((items) => store.finish(items), END_CALLS)
    this.#returns = group((leases) => store.giveBack(leases))
  }

  start(lease: StartedLease): Promise<ItemOutcome> {
    return this.#starts.add(lease)
  }

  checkpoint(lease: TaskLease, checkpoint: Checkpoint, split?: PartitionSplit): Promise<CheckpointOutcome> {
    return this.#checkpoints.add({ ...lease, checkpoint, ...(split === undefined ? {} : { split }) })
  }

  /** With `began`, the end counts a start that was not written. */
  end(lease: TaskLease, end: TaskEnd, began?: UnwrittenStart): Promise<ItemOutcome> {
    return this.#ends.add({ ...lease, end, ...(began === undefined ? {} : { began }) })
  }

  /** Several ends, committed together. */
  endAll(items: readonly EndedLease[]): Promise<readonly ItemOutcome[]> {
    return this.#ends.addAll(items)
  }

  giveBack(lease: ReturnedLease): Promise<ItemOutcome> {
    return this.#returns.add(lease)
  }
}
