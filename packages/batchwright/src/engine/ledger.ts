import type { Clock } from '../kernel/clock.ts'
import type { Checkpoint, PartitionSplit } from '../protocol/index.ts'
import type {
  CheckpointItem,
  CheckpointOutcome,
  ItemOutcome,
  ReturnedLease,
  StartedLease,
  Store,
  TaskEnd,
  TaskLease,
} from '../store/index.ts'
import type { StoreContact } from './contact.ts'
import { CommitGroup } from './group.ts'

/** How wide a group of commits is, milliseconds: less than anybody waits for, more than one flush of a disk takes. */
const GROUP_WIDTH_MS = 2
const GROUP_LIMIT = 500

export interface LedgerOptions {
  readonly store: Pick<Store, 'start' | 'checkpoint' | 'finish' | 'giveBack'>
  readonly contact: StoreContact
  readonly clock: Clock
  /** Resolves when the worker's lease is certain; commits wait for it. */
  readonly whenCertain: () => Promise<void>
}

/** Everything that attempts write, gathered into groups: one store call for many slots. */
export class Ledger {
  readonly #starts: CommitGroup<StartedLease, ItemOutcome>
  readonly #checkpoints: CommitGroup<CheckpointItem, CheckpointOutcome>
  readonly #ends: CommitGroup<TaskLease & { readonly end: TaskEnd }, ItemOutcome>
  readonly #returns: CommitGroup<ReturnedLease, ItemOutcome>

  constructor(options: LedgerOptions) {
    const { store, contact } = options
    const group = <Item, Outcome>(
      verb: (items: readonly Item[]) => Promise<readonly Outcome[]>,
    ): CommitGroup<Item, Outcome> =>
      new CommitGroup<Item, Outcome>({
        commit: async (items) => {
          await options.whenCertain()
          return contact.call(() => verb(items))
        },
        clock: options.clock,
        widthMs: GROUP_WIDTH_MS,
        limit: GROUP_LIMIT,
      })
    this.#starts = group((leases) => store.start(leases))
    this.#checkpoints = group((items) => store.checkpoint(items))
    this.#ends = group((items) => store.finish(items))
    this.#returns = group((leases) => store.giveBack(leases))
  }

  start(lease: StartedLease): Promise<ItemOutcome> {
    return this.#starts.add(lease)
  }

  checkpoint(lease: TaskLease, checkpoint: Checkpoint, split?: PartitionSplit): Promise<CheckpointOutcome> {
    return this.#checkpoints.add({ ...lease, checkpoint, ...(split === undefined ? {} : { split }) })
  }

  end(lease: TaskLease, end: TaskEnd): Promise<ItemOutcome> {
    return this.#ends.add({ ...lease, end })
  }

  giveBack(lease: ReturnedLease): Promise<ItemOutcome> {
    return this.#returns.add(lease)
  }
}
