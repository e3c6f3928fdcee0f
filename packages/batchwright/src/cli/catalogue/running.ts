import type { Catalogue } from './entry.ts'

/** Runs, attempts and slots. */
export const RUNNING: Catalogue = {
  RUN_PAUSED: {
    title: 'The run is paused',
    meaning: 'Somebody paused it: its work is kept, and nothing of it runs until it is resumed.',
    causes: ['`batchwright pause`.'],
    remedies: ['`batchwright resume RUN` goes on.'],
    example: { message: 'billing 2011-01 is paused (run 01kabc)', remedy: 'batchwright resume 01kabc' },
  },
  RUN_NOT_PAUSED: {
    title: 'The run is not paused',
    meaning: '`resume` undoes `pause`. This run was not paused.',
    causes: ['It has ended, or is under way.'],
    remedies: ['`batchwright retry RUN` goes on with a run that failed or was cancelled.'],
    example: { message: 'billing 2011-01 is failed, not paused (run 01kabc)', remedy: 'batchwright retry 01kabc' },
  },
  RUN_ENDED: {
    title: 'The run has ended',
    meaning: 'What has ended cannot be paused or cancelled.',
    causes: ['It ended just before the command.'],
    remedies: [
      '`batchwright retry RUN` goes on with a failed or cancelled one; `batchwright rerun JOB` makes a succeeded one anew.',
    ],
    example: {
      message: 'billing 2011-01 has succeeded and cannot be cancelled (run 01kabc)',
      remedy: 'batchwright rerun billing --window 2011-01',
    },
  },
  RUN_NOT_RESUMABLE: {
    title: 'There is nothing to go on with',
    meaning: 'Only a run that failed or was cancelled can be taken up again.',
    causes: ['The run has succeeded, or is under way.'],
    remedies: ['`batchwright rerun JOB --window WINDOW` makes a new revision on a new snapshot.'],
    example: {
      message: 'billing 2011-01 has succeeded: there is nothing to go on with (run 01kabc)',
      remedy: 'batchwright rerun billing --window 2011-01',
    },
  },
  RUN_PRUNED: {
    title: "The run's tasks were deleted",
    meaning:
      'It ended longer ago than `retention` keeps: its tasks, attempts and events are gone. The run itself stays.',
    causes: ['The configuration says for how long they are kept.'],
    remedies: ['`batchwright rerun JOB --window WINDOW` makes a new revision on a new snapshot.'],
    example: {
      message:
        'expected a run whose tasks are there, found that those of run 01kabc were deleted: it ended longer ago than is kept',
      remedy: 'batchwright rerun billing --window 2011-01',
    },
  },
  RUN_PUBLISHING: {
    title: 'The run is publishing right now',
    meaning: 'Publication has begun, and cannot be stopped half way: readers may see part of it already.',
    causes: ['`cancel` came in the last moment.'],
    remedies: ['Let it finish; then `batchwright rollback NAME` where its data should not be seen.'],
    example: {
      message: 'expected a run that is not publishing, found run 01kabc in the act',
      remedy: 'batchwright rollback invoices --window 2011-01',
    },
  },
  RUN_TIMEOUT: {
    title: 'The run took longer than its job allows',
    meaning: 'The job has a `timeout` for the whole run. What was committed is kept.',
    causes: ['More data than usual, or a slower machine.', 'A step that hangs.'],
    remedies: ['`batchwright show RUN` tells where the time went.', 'Raise the timeout, then `batchwright retry RUN`.'],
    example: {
      message: 'expected run 01kabc to end within 3600000 ms of its start',
      remedy: "job('billing', { timeout: '2h' }, ...)",
    },
  },
  RUN_SUPERSEDED: {
    title: 'There is a newer revision of this run',
    meaning:
      'Going on with an older revision, or replaying dead letters on top of it, would publish its result over what the newer one brought.',
    causes: ['The window was run again since.'],
    remedies: [
      'Replay the letters that the newest revision still has: `batchwright dead-letters list JOB`.',
      'Nothing has to be done about an older run that failed. Make another revision with `batchwright rerun JOB --window WINDOW`, or go back to an earlier version with `batchwright rollback DATASET --window WINDOW`.',
    ],
    example: {
      message: 'billing 2011-01: a newer revision stands (r2, run 01kxyz)',
      remedy: 'batchwright dead-letters list 01kxyz',
    },
  },
  RUN_NOT_REPLAYABLE: {
    title: 'Dead letters of this run cannot be replayed yet',
    meaning:
      'A replay keeps what succeeded and adds to it; this run has not succeeded, or its job has other steps now.',
    causes: ['The run failed or is unfinished.'],
    remedies: [
      'Let it succeed first: `batchwright retry RUN`.',
      'Where the job has changed: `batchwright rerun JOB --window WINDOW`.',
    ],
    example: {
      message: 'billing 2011-01 is failed: dead letters are replayed on top of what succeeded (run 01kabc)',
      remedy: 'batchwright retry 01kabc',
    },
  },
  REPLAY_UNDER_WAY: {
    title: 'Another replay has not ended',
    meaning: 'One replay of a window at a time: its revision must end first.',
    causes: ['An earlier replay was interrupted or failed.'],
    remedies: ['Go on with it: `batchwright retry RUN`; or end it: `batchwright cancel RUN`.'],
    example: {
      message: 'billing 2011-01 r2 replays other dead letters, and has not ended (run 01kxyz)',
      remedy: 'batchwright retry 01kxyz',
    },
  },
  REPLAY_PARTS_MISSING: {
    title: 'What a replay builds on has been removed',
    meaning:
      'Records between steps are kept for a while only. They are gone, and cannot simply be made again because an earlier replay mended letters.',
    causes: ['The run was cleaned up.'],
    remedies: ['Make the window anew, `batchwright rerun JOB --window WINDOW`, and replay on top of that.'],
    example: {
      message: 'billing 2011-01: expected the records that step rate left for its readers, found parts of them removed',
      remedy: 'batchwright rerun billing --window 2011-01',
    },
  },
  REPLAY_INVALID: {
    title: 'A replay that does not fit its run',
    meaning: 'A program asked for a replay of partitions or steps that the run does not have.',
    causes: ['The store was called directly. The command line never does this.'],
    remedies: ['Replay by the command: `batchwright dead-letters replay ID`.'],
    example: {
      message: 'run 01kabc: expected 2 partitions of step rate to run again, found 1 of 8 with such indexes',
      remedy: 'batchwright dead-letters replay --step rate',
    },
  },
  DEAD_LETTERS_MISSING: {
    title: 'The file with the dead letters is gone',
    meaning:
      'Dead letters lie in `.batchwright/runs` beside the store. The store knows of a file there that is missing.',
    causes: ['The folder was removed or not copied with the store.'],
    remedies: ['Bring the folder back, or make the run anew: `batchwright rerun JOB --window WINDOW`.'],
    example: {
      message: 'expected dead letters in .batchwright/runs/01kabc/clean/0/1/dead-0.jsonl, and the file is not there',
      remedy: 'batchwright rerun orders --window 2026-03-01',
    },
  },
  DEAD_LETTER_INVALID: {
    title: 'A dead letter that cannot be read',
    meaning: 'A line of an export, or of a file of the run, is no dead letter.',
    causes: ['An editor changed more than the `raw` text.', 'A line was cut.'],
    remedies: ['Export them again: `batchwright dead-letters export RUN --output FILE`, and change `raw` only.'],
    example: {
      message: 'letters.jsonl: expected a dead letter as JSON, found "id,qty"',
      remedy: 'batchwright dead-letters export latest --output letters.jsonl',
    },
  },
  PLAN_CHANGED: {
    title: 'The job has changed too much for this run to go on',
    meaning:
      'A run keeps its plan. The changed job file would cut, read or write in another way, so done and new work would not fit together.',
    causes: ['A step was added, renamed or removed, or its input, key, contract or partitioning was changed.'],
    remedies: [
      'Go on with the code it was begun with: `batchwright retry RUN --code pinned`.',
      'Or make a new revision with the new code: `batchwright rerun JOB --window WINDOW`.',
    ],
    example: {
      message: 'orders 2026-03-01 cannot go on with the changed jobs/orders.ts: step "clean": it differs in contract',
      remedy: 'batchwright retry 01kabc --code pinned',
    },
  },
  PLAN_DAMAGED: {
    title: 'The plan of a step is damaged',
    meaning: 'What planning wrote is not what is read now.',
    causes: ['Files below `.batchwright/runs` were changed.', 'A failing disk.'],
    remedies: ['Plan the step again: `batchwright retry RUN --from STEP`.'],
    example: {
      message:
        'expected the plan file .batchwright/runs/01kabc/sum/plan-0 as it was written, found other bytes from 128 on',
      remedy: 'batchwright retry 01kabc --from sum',
    },
  },
  PLAN_FILE_DAMAGED: {
    title: 'The index of an input is damaged',
    meaning: 'Planning writes an index of each input file. It cannot be read any more.',
    causes: ['Files below `.batchwright/runs` were changed or removed.', 'A failing disk.'],
    remedies: ['Plan the step again: `batchwright retry RUN --from STEP`.'],
    example: {
      message: 'expected the plan file .batchwright/runs/01kabc/clean/index-0 as planning wrote it; it is cut short',
      remedy: 'batchwright retry 01kabc --from clean',
    },
  },
  JOB_DIFFERS: {
    title: 'The code of the run is of another job',
    meaning: 'The bundle that the run was made with defines a job of another name.',
    causes: ['Files below `.batchwright/artifacts` were exchanged.'],
    remedies: ['Run the job again: `batchwright run JOB`.'],
    example: {
      message: 'expected the artifact to define job orders, found billing',
      remedy: 'batchwright run orders --window 2026-03-01',
    },
  },
  ARTIFACT_CHANGED: {
    title: 'The code of the run was changed',
    meaning:
      'A run keeps the bundle of code it was begun with, named by its hash. The file does not have that hash any more.',
    causes: ['Somebody edited a file below `.batchwright/artifacts`.', 'A failing disk.'],
    remedies: ['Remove the file that the message names and type the command again: it is built anew from the sources.'],
    example: {
      message: 'expected the artifact .batchwright/artifacts/9f86d0.mjs to have the hash 9f86d0, found 60303a',
      remedy: 'rm .batchwright/artifacts/9f86d0.mjs',
    },
  },
  ARTIFACT_MISSING: {
    title: 'The code of the run is gone',
    meaning: 'The bundle of code that the run was begun with is not there any more.',
    causes: ['`.batchwright/artifacts` was emptied, or not copied with the store.'],
    remedies: [
      'Go on with the code of now: `batchwright retry RUN --code current`.',
      'Or make a new revision: `batchwright rerun JOB --window WINDOW`.',
    ],
    example: {
      message: "expected the job's artifact at .batchwright/artifacts/9f86d0.mjs, and could not read it",
      remedy: 'batchwright retry 01kabc --code current',
    },
  },
  CHECKPOINT_NEWER: {
    title: 'A newer Batchwright made the checkpoint',
    meaning: 'The task was begun by a version whose checkpoints this one cannot read.',
    causes: ['The package was downgraded while a run was unfinished.'],
    remedies: ['Go on with the version that made it: `npm install batchwright@latest`, then `batchwright retry RUN`.'],
    example: { message: 'expected a checkpoint of shape 1, found shape 2', remedy: 'npm install batchwright@latest' },
  },
  STATE_DAMAGED: {
    title: 'The state of a step is damaged',
    meaning: 'The file that belongs to the last checkpoint holds other bytes than were written.',
    causes: ['Files below `.batchwright/runs` were changed.', 'A failing disk.'],
    remedies: ['Run the partition from its start: `batchwright retry RUN --step STEP --partition N`.'],
    example: {
      message:
        'the state file of the last checkpoint, .batchwright/runs/01kabc/clean/0/state-3, is damaged: it is cut short',
      remedy: 'batchwright retry 01kabc --step clean --partition 0',
    },
  },
  STATE_LOST: {
    title: 'The state of a step is gone',
    meaning: 'The file that belongs to the last checkpoint is not there.',
    causes: ['Files below `.batchwright/runs` were removed.'],
    remedies: ['Run the partition from its start: `batchwright retry RUN --step STEP --partition N`.'],
    example: {
      message:
        'expected the state file of the last checkpoint at .batchwright/runs/01kabc/clean/0/state-3, and could not open it',
      remedy: 'batchwright retry 01kabc --step clean --partition 0',
    },
  },
  STATE_VERSION: {
    title: 'Saved state is of another version',
    meaning: 'The step says which version its state has (`stateVersion`). What was saved has another one.',
    causes: ['The step was changed while a run was unfinished.'],
    remedies: [
      'Run it from its start: `batchwright retry RUN --from STEP`.',
      'Or with the code that saved it: `batchwright retry RUN --code pinned`.',
    ],
    example: {
      message: 'step clean: expected a checkpoint with state version 2, found 1',
      remedy: 'batchwright retry 01kabc --code pinned',
    },
  },
  ATTEMPT_TIMEOUT: {
    title: 'An attempt took longer than its step allows',
    meaning:
      'The step has a `.timeout()` for each attempt. It is tried again from its last checkpoint, as its retries say.',
    causes: [
      'A promise that never settles: a request without a time-out of its own.',
      'An endless loop.',
      'Partitions that are too large.',
    ],
    remedies: [
      '`batchwright logs RUN --step STEP` shows how far it got.',
      'Pass `context.signal` to what waits, so that it ends too.',
      'Raise `.timeout()`, or make partitions smaller.',
    ],
    example: {
      message: 'expected an attempt of step "send" to end within 30000 ms, found it at work still',
      remedy: "fetch(url, { signal: context.signal })\n.timeout('5min')",
    },
  },
  ATTEMPT_CANCELLED: {
    title: 'The attempt was stopped because its run was cancelled',
    meaning: 'What it had committed is kept.',
    causes: ['`batchwright cancel`.'],
    remedies: ['`batchwright retry RUN` takes the run up again.'],
    example: { message: 'the attempt was stopped: cancelled', remedy: 'batchwright retry 01kabc' },
  },
  ATTEMPT_LOST: {
    title: 'The task belongs to another worker now',
    meaning:
      'This worker was silent for longer than its lease, so the task was given to another one. Nothing that this one does counts any more.',
    causes: ['The machine was suspended or very busy.', 'The store could not be reached.'],
    remedies: ['Nothing: the task goes on elsewhere from its checkpoint.'],
    example: { message: 'the attempt was stopped: lost', remedy: 'batchwright show latest' },
  },
  ATTEMPT_STOPPED: {
    title: 'The attempt was asked to stop',
    meaning:
      'It stopped before it was finished, because of a pause, a cancel, a shutdown or a time-out. It costs no attempt.',
    causes: ['Ctrl-C, `batchwright pause`, `batchwright cancel`.'],
    remedies: ['Type the same command again: it goes on from the last checkpoint.'],
    example: { message: 'the attempt was asked to stop: preempted', remedy: 'batchwright retry latest' },
  },
  FENCED: {
    title: 'The attempt does not own its task any more',
    meaning:
      'Each attempt has a fence, a number that only grows. A newer one exists, so what this one wrote is refused: no record is applied twice.',
    causes: ['The worker was suspended, and another took over.', 'Code went on after its attempt had ended.'],
    remedies: [
      'Nothing: the newer attempt does the work.',
      'Await every promise in `process`, so that nothing goes on after it.',
    ],
    example: {
      message: 'task 12: the attempt with fence 3 does not own it any more',
      remedy: 'batchwright show latest',
    },
  },
  CRASH_LIMIT: {
    title: 'The task took its worker down again and again',
    meaning:
      'A task whose worker dies without progress several times is not tried any more, so that it cannot take the whole fleet down.',
    causes: ['It needs more memory than the machine has: the system kills the process.', 'Native code that crashes.'],
    remedies: [
      'Look at the memory of the machine while it runs; `dmesg` tells of killed processes on Linux.',
      'Use smaller partitions, then `batchwright retry RUN`.',
    ],
    example: {
      message: 'task 12: its worker died while it ran, the 3. time; the last was 01kw',
      remedy: 'batchwright retry latest --slots 1',
    },
  },
  HEARTBEAT_LOST: {
    title: "The worker's heartbeat has ended",
    meaning: 'A thread of its own renews the lease of the worker. Without it the worker must let go of its tasks.',
    causes: ['The store cannot be reached.', 'The process is out of memory, or was suspended.'],
    remedies: ['The cause says why. Type the same command again: tasks go on from their checkpoints.'],
    example: { message: "the thread that renews this worker's lease has ended", remedy: 'batchwright retry latest' },
  },
  SLOT_DIED: {
    title: 'The slot died under the attempt',
    meaning:
      "A step's code runs in a thread or a process of its own. That ended in the middle of the work. The attempt is made again in a new one, from the last checkpoint.",
    causes: [
      'It ran out of memory, or a process took more than it was given.',
      'Native code crashed its process (SIGSEGV), or somebody killed it.',
      'The code called `process.exit()`.',
      'An error was thrown outside of every promise: an event without a handler.',
    ],
    remedies: [
      'Keep less in memory: stream, or use smaller chunks and partitions.',
      "Or give slots more: `--slot-memory 512MB`, a step's own process `.isolation('process', { memory: '2GiB' })`.",
      'Throw an error in place of `process.exit()`; await every promise.',
    ],
    example: {
      message: 'the slot died under the attempt: it ran out of memory',
      remedy: 'batchwright retry latest --slot-memory 512MB',
    },
  },
  SLOT_START_FAILED: {
    title: 'A slot could not be started',
    meaning: 'A thread or process for the work of steps ended before it was ready.',
    causes: ['The machine is out of memory or threads.', 'An installation that is not whole.'],
    remedies: ['The cause says what failed. `--slots 1` needs less of the machine.'],
    example: {
      message: 'slot-3: expected a worker thread to start, but it ended before it was ready',
      remedy: 'batchwright retry latest --slots 1',
    },
  },
  SLOT_UNUSABLE: {
    title: 'A slot was given work that it could not take',
    meaning: 'The slot had just ended, or was busy. The work goes to another one.',
    causes: ['A slot that died between two attempts.'],
    remedies: ['Nothing: it is tried again by itself.'],
    example: { message: 'the slot is dead: it ran out of memory', remedy: 'batchwright show latest' },
  },
}
