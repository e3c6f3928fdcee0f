import type { Catalogue } from './entry.ts'

/** What a run writes, checks and publishes. */
export const OUTPUT: Catalogue = {
  VERIFICATION_FAILED: {
    title: 'A check failed, so nothing was published',
    meaning:
      'Everything was worked through, and then a check of a dataset, a limit, a control total or the count of records did not hold. Readers still see what was there before.',
    causes: [
      'The data breaks a check that is meant to hold.',
      'More rejects than a rule allows.',
      'Control totals that differ between steps: records were lost or doubled by the code.',
    ],
    remedies: [
      '`batchwright show RUN` lists every finding.',
      'Mend the step or the check in the job file, then `batchwright retry RUN --from STEP`.',
      'Or mend the data, then `batchwright rerun JOB --window WINDOW`: a run keeps to the input that it began with.',
      "A check that should only warn: `{ severity: 'warn' }`.",
    ],
    example: {
      message: 'clean: check unique(id): expected no two records with the same id, found 1 of 4 records against it',
      remedy: 'batchwright show latest',
    },
  },
  DISK_FULL: {
    title: 'The disk of the output is full',
    meaning:
      'A file of the run could not be written. No attempts are spent on it: the run ends, and goes on from its last checkpoint when it is taken up again.',
    causes: ['The disk or a quota is used up.', 'A limit on file sizes (`ulimit -f`).'],
    remedies: ['`df -h .` shows the disk.', 'Free space, then `batchwright retry RUN`.'],
    example: {
      message:
        'expected room to write out/clean/2026-03-01/main-0.csv, found the disk, the quota or the limit on file sizes exhausted (ENOSPC)',
      remedy: 'df -h out\nbatchwright retry latest',
    },
  },
  OUTPUT_UNWRITABLE: {
    title: 'The output cannot be written',
    meaning: 'The file system refuses a file or a folder that the run has to make.',
    causes: [
      'The folder belongs to somebody else.',
      'Where a folder should be, there is a file.',
      'The file system is mounted read-only.',
    ],
    remedies: [
      '`ls -ld FOLDER` shows who may write.',
      'Move away what stands in the way, then `batchwright retry RUN`.',
    ],
    example: {
      message: 'expected to be able to write out/clean, found that a file stands where a folder must be (ENOTDIR)',
      remedy: 'mv out/clean out/clean.old\nbatchwright retry latest',
    },
  },
  OUTPUT_FORMAT_UNSUPPORTED: {
    title: 'This dataset cannot be written by this step',
    meaning: 'Its format cannot be staged by a records or reduce step.',
    causes: ['The format needs columns that the contract does not tell.'],
    remedies: ['Use `jsonl()`, or describe the contract with `record({ ... })`.'],
    example: {
      message: 'dataset totals: expected a format that can be staged, found a schema of another library',
      remedy: 'format: jsonl()',
    },
  },
  OUTPUT_EXISTS: {
    title: 'Two attempts were given one folder',
    meaning: 'An attempt writes only to a folder of its own, and found a file there.',
    causes: ['Two stores share one project folder.', 'Files were copied into `.batchwright/runs`.'],
    remedies: ['Use one store for a project.', '`batchwright retry RUN` makes a new attempt in a new folder.'],
    example: {
      message: 'expected to make .batchwright/runs/01kabc/clean/0/3/main-0.csv new, found a file of that name',
      remedy: 'batchwright retry 01kabc',
    },
  },
  OUTPUT_LOST: {
    title: 'What an attempt had written is gone',
    meaning:
      'Staged output that a checkpoint refers to is missing, shorter or changed. The task starts again where it can.',
    causes: ['Somebody removed files below `.batchwright/runs`.', 'A disk that lost acknowledged writes.'],
    remedies: [
      'Nothing, where the task starts again by itself.',
      'Otherwise run the step that wrote it: `batchwright retry RUN --from STEP`.',
    ],
    example: {
      message: 'staged output .batchwright/runs/01kabc/clean/0/3/main-0.csv: expected 4096 bytes, found no file',
      remedy: 'batchwright retry 01kabc --from clean',
    },
  },
  OUTPUT_MISSING: {
    title: 'A step left nothing to publish or to read',
    meaning: 'A finished task does not have the output that a later step needs.',
    causes: ['The step was finished under other code.'],
    remedies: ['Make it anew: `batchwright retry RUN --from STEP`.'],
    example: {
      message: 'publication of invoices: expected the output of step invoice, found none',
      remedy: 'batchwright retry latest --from invoice',
    },
  },
  OUTPUT_MISCOUNTED: {
    title: 'A Parquet file has another number of rows than were written',
    meaning: 'What was converted was counted again, and the counts differ. It is not published.',
    causes: ['A mistake in the conversion.'],
    remedies: ['Run the job again. If it happens again, write the dataset as `jsonl()` and report it.'],
    example: {
      message: 'dataset totals: expected 4096 rows in totals.parquet, found 4095',
      remedy: 'batchwright retry latest',
    },
  },
  PUBLICATION_CONFLICT: {
    title: 'Somebody else publishes this dataset',
    meaning:
      'The number of the version is taken by another run with other content, or files stand where parts belong. What readers see was not changed.',
    causes: ['Two stores (two checkouts, two machines) publish into one folder.', 'Files were copied there by hand.'],
    remedies: [
      'Let one store publish a dataset.',
      'Remove the folder that the message names, where no manifest refers to it.',
    ],
    example: {
      message:
        'dataset invoices: expected to publish version 2 of run 01kabc, found that number taken by run 01kxyz with other content',
      remedy: "location: 'out/invoices-test'",
    },
  },
  PUBLISHED_PART_MISSING: {
    title: 'A published file is gone',
    meaning: 'The manifest of a version names a file that is not there.',
    causes: ['It was removed or moved by hand or by a clean-up script.'],
    remedies: [
      'Restore it from a backup.',
      'Or `batchwright rollback NAME --window WINDOW`, or publish the window again: `batchwright rerun JOB --window WINDOW`.',
    ],
    example: {
      message: 'expected the published part out/invoices/2011-01/v2/part-0.csv, found no such file',
      remedy: 'batchwright rollback invoices --window 2011-01',
    },
  },
  CHECKSUM_MISMATCH: {
    title: 'A file is not what was written',
    meaning: 'The SHA-256 of the file differs from the one that was kept when it was written.',
    causes: ['The file was edited.', 'A failing disk, or a copy that went wrong.'],
    remedies: [
      'Restore it, or `batchwright rollback NAME --window WINDOW`, or `batchwright rerun JOB --window WINDOW`.',
    ],
    example: {
      message: 'out/invoices/2011-01/v2/part-0.csv: expected SHA-256 9f86d0..., found 60303a...',
      remedy: 'batchwright rerun billing --window 2011-01',
    },
  },
  MANIFEST_INVALID: {
    title: 'The manifest of a version cannot be read',
    meaning: 'A manifest says which files a version is made of. This one was changed by something else.',
    causes: ['It was edited, or cut short by a copy.'],
    remedies: ['Restore it from a backup, or publish the window again: `batchwright rerun JOB --window WINDOW`.'],
    example: {
      message: 'out/invoices/2011-01/_manifests/2.json: expected JSON, found "<html>"',
      remedy: 'batchwright rerun billing --window 2011-01',
    },
  },
  MANIFEST_NEWER: {
    title: 'A newer Batchwright published this',
    meaning: 'The manifest is of a shape that this version does not know.',
    causes: ['Two versions of Batchwright publish or read one dataset.'],
    remedies: ['Upgrade this one: `npm install batchwright@latest`.'],
    example: {
      message: 'out/invoices/2011-01/_manifests/2.json: expected a manifest of shape 1, found 2',
      remedy: 'npm install batchwright@latest',
    },
  },
  PART_INVALID: {
    title: 'Written records do not fit the contract any more',
    meaning: 'A file of an earlier step or run holds a record that the contract of now refuses.',
    causes: ['The contract was changed without a new version and an upcast.'],
    remedies: [
      'Raise the version of the contract and give it an `upcast`.',
      'Or make it anew: `batchwright rerun JOB --window WINDOW`.',
    ],
    example: {
      message:
        'out/orders/v1/part-0.csv: a record does not meet the contract of its dataset: country: expected text, found a blank',
      remedy: 'batchwright rerun orders --window 2026-03-01',
    },
  },
}
