import type { Catalogue } from './entry.ts'

/** What a run reads. */
export const INPUT: Catalogue = {
  INPUT_MISSING: {
    title: 'An input is not there',
    meaning: 'The dataset names a file, or a published version, for this window, and there is none.',
    causes: [
      'The file has not been delivered yet.',
      'The path in the job file is mistyped, or relative to another folder.',
      'The job that publishes it has not run for this window.',
    ],
    remedies: [
      'Deliver the file, then `batchwright retry RUN` goes on.',
      'Run the job that writes it first.',
      "Where windows without data are normal: `missing: 'skip'` on the dataset.",
    ],
    example: {
      message: 'clean: expected a file at in/2026-03-02.csv for dataset raw_orders, window 2026-03-02; there is none',
      remedy: "dataset('raw_orders', { missing: 'skip', ... })",
    },
  },
  INPUT_UNREADABLE: {
    title: 'An input may not be read',
    meaning: 'The file is there, and the system does not let this user read it.',
    causes: ['The file, or a folder above it, belongs to somebody else.', 'It was delivered with too few rights.'],
    remedies: [
      '`ls -ld FILE` shows who may read it; `id` shows who you are.',
      'Give the user that runs the job the right to read it, then `batchwright retry RUN` goes on.',
    ],
    example: {
      message: 'expected to be able to read in/2026-03-02.csv, found that this user has no permission (EACCES)',
      remedy: 'chmod a+r in/2026-03-02.csv\nbatchwright retry latest',
    },
  },
  INPUT_CHANGED: {
    title: 'An input is not what it was when the run began',
    meaning:
      'A run works on a snapshot: files with their sizes and SHA-256. A file differs from it, so going on would mix two inputs in one result.',
    causes: [
      'The file was delivered again, appended to or edited while the run was unfinished.',
      'The writer had not finished when the run was planned.',
    ],
    remedies: [
      'Put the old file back, and `batchwright retry RUN` goes on.',
      'Or take what is there now: `batchwright rerun JOB --window WINDOW` makes a new revision.',
      'Let writers write under another name and rename when they are done.',
    ],
    example: {
      message:
        "expected in/2026-03-01.csv as the run's snapshot has it (SHA-256 9f86d0..., 120 bytes), found SHA-256 60303a..., 144 bytes",
      remedy: 'batchwright rerun orders --window 2026-03-01',
    },
  },
  INPUT_INDEX_MISMATCH: {
    title: 'A file is read with another format than it was planned with',
    meaning: 'Planning counted the records of each block. Reading the same bytes gives another number.',
    causes: ['The format of the dataset was changed in the job file after the run had been planned.'],
    remedies: ['Plan the step again: `batchwright retry RUN --from STEP`.'],
    example: {
      message:
        'expected 4096 records in block 0 of in/lines.csv, as planned; found 4095. The format of the dataset is not the one it was planned with',
      remedy: 'batchwright retry latest --from rate',
    },
  },
  COLUMN_MISSING: {
    title: 'A column is missing from a file',
    meaning:
      'The contract has a field whose column is not in the header of the file. A renamed column is a missing one.',
    causes: [
      'Whoever delivers the file renamed or dropped the column.',
      'The file has another delimiter, so its header is read as one column.',
      'The file has no header.',
    ],
    remedies: [
      "Name the column as the file does: `price: field.decimal({ scale: 2 }).column('Unit Price')`.",
      'Where it may be absent: `.optional()` or `.default(...)`.',
      "Look at the header that the message shows; `csv({ delimiter: ';' })` and `csv({ header: false })` exist.",
    ],
    example: {
      message:
        'expected a column "price" in in/2026-03-01.csv; its header is "id", "qty", "unit_price". Is it "unit_price"?',
      remedy: "price: field.decimal({ scale: 2 }).column('unit_price')",
    },
  },
  COLUMN_AMBIGUOUS: {
    title: 'A column is there twice',
    meaning: 'The header of the file has the column of a field more than once, so it is not known which is meant.',
    causes: ['The file was joined from two, or exported with duplicate names.'],
    remedies: ['Rename all but one of them in the file.'],
    example: {
      message: 'expected one column "id" in in/orders.csv, found more; its header is id, qty, id',
      remedy: 'head -1 in/orders.csv',
    },
  },
  GZIP_DAMAGED: {
    title: 'A compressed file is cut short or damaged',
    meaning: 'The file could not be decompressed to its end.',
    causes: [
      'The transfer was interrupted.',
      'The file is still being written.',
      'It is not gzip, in spite of its name.',
    ],
    remedies: ['`gzip -t FILE` tests it.', 'Deliver it again, then `batchwright retry RUN`.'],
    example: {
      message:
        'expected a whole gzip file at in/2026-03-01.csv.gz, found one that is cut short or corrupt: unexpected end of file',
      remedy: 'gzip -t in/2026-03-01.csv.gz',
    },
  },
  FORMAT_UNSUPPORTED: {
    title: 'A format that cannot be read here',
    meaning: 'Records steps read CSV and JSON Lines, and Parquet only where Batchwright published it.',
    causes: ['A dataset with `files` and `format: parquet()`.'],
    remedies: ['Read the Parquet files in a `sql` step.'],
    example: {
      message: 'expected dataset lines to be CSV or JSON Lines, found raw Parquet files',
      remedy: "steps.sql('lines').read({ lines }).query('select * from lines').write(out)",
    },
  },
  CONTRACT_VERSION_UNKNOWN: {
    title: 'Published data is of another contract version',
    meaning:
      'What is published was written under a contract version that this code cannot read: the same, or one with an `upcast`, is needed.',
    causes: [
      'The contract was raised without an `upcast` for the old version.',
      'Older code reads what newer code has published.',
    ],
    remedies: [
      'Add the upcast: `contract(2, row, { upcast: { 1: (old) => ({ ...old, country: null }) } })`.',
      'Or publish the window again: `batchwright rerun JOB --window WINDOW`.',
    ],
    example: {
      message:
        'expected version 1 of dataset orders under contract version 2 or one that can be upcast to it, found contract version 1',
      remedy: 'contract(2, row, { upcast: { 1: (old) => ({ ...old, country: null }) } })',
    },
  },
  UPSTREAM_MISSING: {
    title: 'The step it reads has left nothing',
    meaning:
      'The run holds no output of a step that this step reads: the code differs from the one that the run was made with.',
    causes: ['The job file was changed while the run was unfinished.'],
    remedies: [
      '`batchwright rerun JOB --window WINDOW` makes a new revision with the new code.',
      '`batchwright retry RUN --code pinned` goes on with the old one.',
    ],
    example: {
      message: 'step sum: expected the output of step clean, which it reads, found none',
      remedy: 'batchwright retry latest --code pinned',
    },
  },
  UPSTREAM_OUTPUT_MISSING: {
    title: 'A task has left no records for its readers',
    meaning: 'A finished task of the step before does not have the output that this step reads.',
    causes: ['The step was finished under code in which nobody read it.'],
    remedies: ['Run that step again: `batchwright retry RUN --from STEP`.'],
    example: {
      message: 'expected task 3 of step clean to have left an output "inside" for its readers, found none',
      remedy: 'batchwright retry latest --from clean',
    },
  },
  DATASET_FILES_FAILED: {
    title: 'The function that names the files of a dataset failed',
    meaning: '`files` may be a function of the window. It is called while the run is planned, and it threw.',
    causes: ['It reads something that is not there.', 'A mistake in it.'],
    remedies: [
      'Mend the line that is shown, then `batchwright retry RUN` goes on.',
      'Let it name paths and nothing else: what is there is found by Batchwright.',
    ],
    example: {
      message: 'clean: dataset raw_orders: its files() failed: no such folder',
      remedy: "files: ({ window }) => 'in/' + window.date + '.csv'",
    },
  },
}
