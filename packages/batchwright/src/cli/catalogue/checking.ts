import type { Catalogue } from './entry.ts'

/** What `check` and `dev` find before anything runs for real. */
export const CHECKING: Catalogue = {
  CHECK_FAILED: {
    title: 'A check of a dataset does not hold on the sample',
    meaning:
      '`check` ran the job on a sample of its input, and what it would write breaks a check of the dataset. The whole input may do so too.',
    causes: [
      'A step gives records that the check does not want.',
      'A check that only holds for the whole input: a count, a sum.',
    ],
    remedies: [
      'Mend the step or the check.',
      'Look at the records: `batchwright dev JOB`.',
      'Take a larger sample: `--sample 10000`.',
    ],
    example: {
      message: 'clean_orders: unique(id): expected each id once, found 2 ids more than once',
      remedy: 'batchwright check orders --sample 10000',
    },
  },
  CONTRACT_CHANGED: {
    title: 'A contract was changed without a new version',
    meaning:
      "What is published says the same contract version, and cannot be read under the contract as it is now. Tonight's run would fail on it.",
    causes: ['A field was added, renamed or made stricter, and the version kept.'],
    remedies: [
      'Raise the version, and say how older records become newer ones: `contract(2, row, { upcast: { 1: (old) => ({ ...old, country: null }) } })`.',
      'Or take the change back.',
    ],
    example: {
      message:
        'the contract of orders does not read version 3 of 2026-03-01 though both are version 1: there is no column country',
      remedy: 'contract(2, row, { upcast: { 1: (old) => ({ ...old, country: null }) } })',
    },
  },
  CONTRACT_OLDER: {
    title: 'The contract is older than what is published',
    meaning: 'What is published was written under a higher contract version than the one of this code.',
    causes: ['Another checkout, or a newer deploy, has published.', 'The version was counted down.'],
    remedies: ['Take the contract that wrote it, or define the next version with an `upcast` from it.'],
    example: {
      message: 'version 3 of orders was written under contract version 2, and this is version 1',
      remedy: 'git pull',
    },
  },
  CONTRACT_UPCAST_MISSING: {
    title: 'Nothing says how older records become newer ones',
    meaning: 'Published data of an older contract version is read, and the contract has no `upcast` for that version.',
    causes: ['The version was raised without an `upcast`.'],
    remedies: [
      'Add it: `{ upcast: { 1: (old) => ({ ...old, country: null }) } }`.',
      'Or publish those windows again: `batchwright rerun JOB --window A..B`.',
    ],
    example: {
      message: 'contract version 2 does not read version 1 of orders which was written under version 1',
      remedy: 'contract(2, row, { upcast: { 1: (old) => ({ ...old, country: null }) } })',
    },
  },
  CONTRACT_UPCAST_FAILED: {
    title: 'An upcast gives something else than the next version',
    meaning: 'The `upcast` of the contract threw, or returned a record that does not meet the version it should make.',
    causes: ['A field of the new version is missing in what it returns.'],
    remedies: ['Return every field of the next version; TypeScript shows which are missing.'],
    example: {
      message:
        'contract version 2 does not read version 1 of orders which was written under version 1: country: expected text, found nothing',
      remedy: "1: (old) => ({ ...old, country: 'GB' })",
    },
  },
  PASS_ENDED: {
    title: 'The code of the job ended its process',
    meaning:
      '`check` and `dev` run the job on a sample in a process of their own, and that process ended in the middle.',
    causes: ['`process.exit()` in the job.', 'A promise that was not awaited failed.', 'It ran out of memory.'],
    remedies: ['Throw an error in place of `process.exit()`; await every promise.'],
    example: {
      message: "the job's code ended the process in step clean (exit code 3)",
      remedy: "throw new Error('no price list')",
    },
  },
  PASS_TIMEOUT: {
    title: 'A sample took too long',
    meaning: '`check` and `dev` run the job on a sample, and it did not come to its end.',
    causes: ['An endless loop.', 'A call that never returns: a server that does not answer.'],
    remedies: ['Give calls a time-out of their own.', 'Take a smaller sample: `--sample 10`.'],
    example: {
      message: 'step clean did not come to its end within 30 s on a sample',
      remedy: 'batchwright check --sample 10',
    },
  },
}
