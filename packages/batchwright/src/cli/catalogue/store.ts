import type { Catalogue } from './entry.ts'

/** The store: the SQLite file that holds the state of runs. */
export const STORE: Catalogue = {
  STORE_BUSY: {
    title: 'Another process holds the store',
    meaning:
      'The write lock of the store was held by somebody else all the time. Workers wait and try again; commands give up.',
    causes: ['An SQLite shell or a backup tool has a transaction open on the file.', 'A very slow disk.'],
    remedies: [
      'End the process that holds the file: `fuser .batchwright/store.db` names it on Linux.',
      'Type the same command again.',
    ],
    example: {
      message: 'expected to get the write lock of .batchwright/store.db within 30 s, found it held all the time',
      remedy: 'fuser .batchwright/store.db',
    },
  },
  STORE_FULL: {
    title: 'The disk of the store is full',
    meaning:
      'The store could not be written. A run that is under way waits, and goes on by itself once there is room. What was acknowledged is on the disk.',
    causes: ['The disk, or a quota on it, is used up.'],
    remedies: [
      '`df -h .batchwright` shows the disk.',
      'Free space, and the run goes on; or end it and type the same command again later.',
    ],
    example: {
      message: 'the store .batchwright/store.db could not be written: the disk, or the quota of the store, is full',
      remedy: 'df -h .batchwright',
    },
  },
  STORE_UNWRITABLE: {
    title: 'The store cannot be written',
    meaning:
      'The file of the store or its folder is read-only, belongs to somebody else, or its disk answers with errors.',
    causes: [
      'The command runs as another user than the one that made the store.',
      'The file system is mounted read-only.',
      'A failing disk.',
    ],
    remedies: [
      '`ls -la .batchwright` shows who owns the file.',
      '`batchwright doctor` tests permissions and the disk.',
    ],
    example: {
      message:
        'expected to be able to write the store .batchwright/store.db and its folder, found: attempt to write a readonly database',
      remedy: 'sudo chown -R "$USER" .batchwright',
    },
  },
  STORE_CORRUPT: {
    title: 'The store is damaged, or is no store',
    meaning:
      'The file where the store should be cannot be read as one. Published data is not in it, and is not touched.',
    causes: [
      'The file was copied while it was in use, without its -wal file.',
      'A failing disk.',
      'Another program wrote to it.',
    ],
    remedies: [
      'Restore the file from a backup.',
      'Or move `store.db`, `store.db-wal` and `store.db-shm` away: the next command makes an empty store. Runs are forgotten then; what is published stays.',
    ],
    example: {
      message:
        'expected a Batchwright store at .batchwright/store.db, found something else or a damaged file: file is not a database',
      remedy: 'mkdir lost && mv .batchwright/store.db* lost/',
    },
  },
  STORE_NEWER_VERSION: {
    title: 'A newer Batchwright made the store',
    meaning: 'The shape of the store is one that this version does not know. It was left as it is.',
    causes: ['Two versions of Batchwright are used on one project.', 'The package was downgraded.'],
    remedies: [
      'Install the version that wrote it: `npm install batchwright@latest`.',
      'Or use another project folder for this version.',
    ],
    example: {
      message:
        'expected a store of version 2 or older at .batchwright/store.db, found version 9, which needs a Batchwright that knows version 9 or newer',
      remedy: 'npm install batchwright@latest',
    },
  },
  STORE_OLDER_VERSION: {
    title: 'The store must be migrated first',
    meaning: 'The store is of an older shape, and the program that opened it was told not to change it.',
    causes: ['A program that only looks on was upgraded before those that run jobs.'],
    remedies: ['Type any command of the newer Batchwright in the project: it migrates the store.'],
    example: {
      message:
        'expected a store of version 2 at .batchwright/store.db, found version 1, and was told not to migrate it',
      remedy: 'batchwright runs',
    },
  },
  STORE_NETWORK_FILE_SYSTEM: {
    title: 'The store lies on a network file system',
    meaning:
      'SQLite relies on locks that NFS, SMB and their like do not keep. A store there could be damaged by two processes.',
    causes: ['The project folder is mounted from another machine.'],
    remedies: [
      'Put the state on a local disk: `BATCHWRIGHT_STATE=/var/lib/billing`, or `"state"` in `batchwright.config.json`.',
    ],
    example: {
      message:
        'expected the store /mnt/share/.batchwright/store.db on a disk of this machine, found it on a network file system (NFS)',
      remedy: '{ "state": "/var/lib/billing" }',
    },
  },
  STORE_CLOSED: {
    title: 'The store was closed too early',
    meaning: 'A program called the store after it had closed it.',
    causes: ['A `close()` that does not wait for the last call.'],
    remedies: ['Await everything before closing the store.'],
    example: {
      message: 'expected the store .batchwright/store.db to be open, found it closed',
      remedy: 'await store.close()',
    },
  },
  STORE_INCONSISTENT: {
    title: 'The store contradicts itself',
    meaning:
      'A task refers to something that the store does not have. This is a mistake in Batchwright, or the file was edited.',
    causes: ['Rows were changed or removed by hand.'],
    remedies: [
      'Make the window anew: `batchwright rerun JOB --window WINDOW`.',
      'Report it, with the message and the output of `batchwright show RUN --json`.',
    ],
    example: {
      message: 'task 12 of run 01kabc: found no plan of its step',
      remedy: 'batchwright rerun billing --window 2011-01',
    },
  },
  RUN_NOT_FOUND: {
    title: 'The store has no such run',
    meaning: 'A run was named by its id, and the store that was asked does not hold it.',
    causes: ['The run was made in another project.', 'The store was moved away.'],
    remedies: ['`batchwright runs` lists the runs of this project.'],
    example: { message: 'expected a run with id 01kabc; the store has none', remedy: 'batchwright runs' },
  },
  RUN_STEPS_INVALID: {
    title: 'A run was made with steps that do not fit',
    meaning: 'A program handed the store a run without steps, with a step twice, or in an order that cannot run.',
    causes: ['The store was called directly. The command line never does this.'],
    remedies: ['Give the steps in order of dependency, each once.'],
    example: { message: 'run 01kabc: expected each step once, found rate twice', remedy: 'batchwright run billing' },
  },
  PLAN_INCOMPLETE: {
    title: 'A plan was ended before it was whole',
    meaning: 'Planning said how many partitions a step has, and had not handed over all of them.',
    causes: ['A mistake in Batchwright, or in an executor of your own.'],
    remedies: ['Plan the step again: `batchwright retry RUN --from STEP`. Report it if it happens again.'],
    example: {
      message: 'step rate: expected 8 partitions with the indexes 0 to 7, found 7, the highest with index 6',
      remedy: 'batchwright retry latest --from rate',
    },
  },
  TASK_END_MISMATCH: {
    title: 'A task ended as a task of another kind',
    meaning:
      'The end that was reported does not fit the task: a plan where records were worked on, or the other way round.',
    causes: ['A mistake in Batchwright, or in an executor of your own.'],
    remedies: ['Report it, with the message.'],
    example: {
      message: 'task 12: expected the end of a plan task, found the end of a partition',
      remedy: 'batchwright retry latest',
    },
  },
  ROLLBACK_UNKNOWN: {
    title: 'A rollback was recorded that nobody asked for',
    meaning: 'A program recorded a rollback without asking for its number first.',
    causes: ['The store was called directly. The command line never does this.'],
    remedies: ['Roll back by the command: `batchwright rollback NAME`.'],
    example: {
      message: 'expected an intended rollback of invoices 2011-01 to 1 with number 3, found none',
      remedy: 'batchwright rollback invoices --window 2011-01',
    },
  },
}
