import type { Catalogue } from './entry.ts'

/** What was typed on the command line. Nothing was started. */
export const TYPING: Catalogue = {
  USAGE: {
    title: 'The command line cannot be read',
    meaning:
      'A command, an option or an argument is not one that Batchwright knows, or two of them exclude each other.',
    causes: ['A typing mistake.', 'An option of another command.', 'A value of the wrong kind: a word for a number.'],
    remedies: ['`batchwright COMMAND --help` lists the arguments and options of a command.'],
    example: { message: 'batchwright runs has no option --lmit', remedy: 'batchwright runs --limit 3' },
  },
  CODE_UNKNOWN: {
    title: 'There is nothing of this name to explain',
    meaning:
      '`explain` takes the code of an error, a reason of a dead letter, a run or a task, and found none of these.',
    causes: ['The code is mistyped.', 'The code is not of Batchwright: it was set by your code or by a library.'],
    remedies: ['Copy the code from the last line of the error.', '`batchwright runs` lists runs.'],
    example: { message: 'no error has the code "JOB_UNKOWN"', remedy: 'batchwright explain JOB_UNKNOWN' },
  },
  PROJECT_NOT_FOUND: {
    title: 'This folder is in no project',
    meaning:
      'Commands work on a project: the nearest folder upwards that holds `jobs/` or `batchwright.config.json`. There is none here.',
    causes: ['The command was typed in another folder.', '`--project` names a folder without jobs.'],
    remedies: [
      "Go to the project's folder, or name it: `--project DIR`.",
      'Make a new project: `batchwright init DIR`.',
    ],
    example: {
      message: 'no project here: neither /home/ann nor a folder above it holds jobs/ or batchwright.config.json',
      remedy: 'cd billing\nbatchwright jobs',
    },
  },
  CONFIG_INVALID: {
    title: 'A setting is wrong',
    meaning:
      'The configuration file, or an environment variable that stands for one of its settings, holds something else than it should.',
    causes: [
      'A setting is mistyped.',
      'The file is no JSON: a comma too many, a comment.',
      'A value of the wrong kind.',
    ],
    remedies: [
      'Mend the setting that the message names.',
      '`batchwright doctor` shows every setting, its value and where it comes from.',
    ],
    example: {
      message: 'batchwright.config.json: unknown setting "job"',
      remedy: '{ "jobs": "jobs/*.ts" }',
    },
  },
  JOB_UNKNOWN: {
    title: 'No job of this name',
    meaning: 'The project has no job that is called so.',
    causes: [
      'The name is mistyped.',
      'The job file does not lie where jobs are looked for: `jobs/`, or the globs of `batchwright.config.json`.',
      'The job file has no default export.',
    ],
    remedies: ['`batchwright jobs` lists the jobs there are, and the files that could not be loaded.'],
    example: { message: 'no job is called "biling"', remedy: 'batchwright run billing --window 2011-01' },
  },
  RUN_UNKNOWN: {
    title: 'No such run',
    meaning:
      "A run is named by the beginning of its id, by `latest`, or by its job's name. None fits, or nothing has run yet.",
    causes: [
      'The id or the name is mistyped.',
      'The run belongs to another project.',
      'No run of that window was made.',
    ],
    remedies: ['`batchwright runs` lists the runs of this project.'],
    example: {
      message: 'no run\'s id starts with "zzz", and no job of that name has run',
      remedy: 'batchwright show latest',
    },
  },
  RUN_AMBIGUOUS: {
    title: 'More than one run is meant',
    meaning: 'What was typed is the beginning of the ids of several runs.',
    causes: ['Runs that were made at nearly the same time have ids that begin alike.'],
    remedies: ['Type more of the id: the message names the runs.'],
    example: {
      message: '"01k" is the beginning of more than one run\'s id: 01kabc (billing 2011-01), 01kabd (billing 2011-02)',
      remedy: 'batchwright show 01kabd',
    },
  },
  STEP_UNKNOWN: {
    title: 'No step of this name',
    meaning: 'The job, or the run, has no step that is called so.',
    causes: [
      'The name is mistyped.',
      'The step was renamed after the run had been made.',
      '`.after("name")` in the job file names a step that is not declared.',
    ],
    remedies: ['`batchwright show RUN` lists the steps of a run; `batchwright plan JOB` those of a job.'],
    example: { message: 'orders 2026-03-01 has no step "claen"', remedy: 'batchwright logs latest --step clean' },
  },
  DATASET_UNKNOWN: {
    title: 'No dataset of this name',
    meaning: 'No job of the project reads or writes a dataset that is called so.',
    causes: ['The name is mistyped.', 'The job file that names it cannot be loaded.'],
    remedies: ['`batchwright datasets` lists them.', '`batchwright jobs` shows files that could not be loaded.'],
    example: { message: 'no dataset is called "invoice"', remedy: 'batchwright datasets cat invoices' },
  },
  WINDOW_INVALID: {
    title: 'A window that is none',
    meaning:
      'A window is written as its key: `2011-01` (month), `2011-01-04` (day), `2011-W02` (week), `2011-01-04T10` (hour); a range with two dots between the first and the last.',
    causes: [
      'A key of the wrong kind: a month for a job that runs by day.',
      'A range whose end lies before its beginning.',
      'A day that the calendar does not have.',
    ],
    remedies: ['`batchwright jobs` shows which kind of window a job has.'],
    example: {
      message: '--window 2026-3-1: the job "orders" runs for one day at a time, such as 2011-01-04',
      remedy: 'batchwright run orders --window 2026-03-01',
    },
  },
  WINDOW_MISSING: {
    title: 'A window is needed',
    meaning: 'The job runs for one slice of time at a time, and nothing said which.',
    causes: ['`--window` was left out.', 'A dataset with windows is read by a job without them.'],
    remedies: ['Name one, `--window 2011-01`, or a range, `--window 2011-01..2011-06`.'],
    example: {
      message: 'the job "orders" runs for one day at a time: which?',
      remedy: 'batchwright run orders --window 2026-03-01',
    },
  },
  WINDOW_UNWANTED: {
    title: 'A window where there are none',
    meaning: 'The job or the dataset has no windows, so `--window` cannot choose one.',
    causes: [
      'The option belongs to another job or dataset.',
      'The job was meant to have windows, and its file does not say so.',
    ],
    remedies: ['Leave `--window` out.', 'Give the job one: `window: daily()`.'],
    example: {
      message: 'the job "plain" has no windows, and --window 2026-03 was given',
      remedy: 'batchwright run plain',
    },
  },
  WINDOW_UNEXPECTED: {
    title: 'A window for a job that has none',
    meaning: 'A program asked for a run of a window, of a job that has no windows.',
    causes: ['The job lost its `window` since the caller was written.'],
    remedies: ['Leave the window away, or declare one in the job.'],
    example: {
      message: 'job \'plain\' has no window; expected none, found "2026-03"',
      remedy: 'batchwright run plain',
    },
  },
  LOG_FILTER_INVALID: {
    title: 'What log lines are wanted cannot be understood',
    meaning:
      '`logs` takes a text or a pattern with `--text`, and a time with `--since`; one of them is written otherwise.',
    causes: [
      'A text between slashes is taken for a regular expression, and it is none.',
      'A time without a unit, or a date that does not exist.',
    ],
    remedies: [
      'Leave the slashes out to look for the text as it stands.',
      'Write a time that has passed (`10min`, `2h`), or a date and time (`2011-01-04T10:00:00Z`).',
    ],
    example: {
      message: '--since yesterday: expected a time that has passed, as 10min or 2h, or a date and time in ISO 8601',
      remedy: 'batchwright logs latest --since 24h',
    },
  },
  PARAMETER_INVALID: {
    title: 'A parameter is wrong',
    meaning: "What was given with `--param`, or is missing, does not fit the job's parameters.",
    causes: ['A value of the wrong kind.', 'A parameter without a default was left out.', 'The name is mistyped.'],
    remedies: [
      "Look at `parameters({ ... })` in the job file: it names each parameter's type.",
      'Write `--param NAME=VALUE`, once for each.',
    ],
    example: {
      message: '--param country: expected name=value',
      remedy: 'batchwright run orders --param country=GB',
    },
  },
  PARAMETER_UNKNOWN: {
    title: 'The job takes no parameters',
    meaning: 'Parameters were given to a job that declares none.',
    causes: ['The option belongs to another job.', 'The job was meant to declare parameters.'],
    remedies: ['Leave `--param` away.', 'Declare them: `parameters: parameters({ country: field.text() })`.'],
    example: { message: "job 'orders' has no parameters; found country", remedy: 'batchwright run orders' },
  },
  PARTITION_UNKNOWN: {
    title: 'No such partition',
    meaning: 'The step has fewer partitions, or the plan of the run is of a shape that this version cannot open.',
    causes: ['Partitions are numbered from 0.', 'The number is of another step or run.'],
    remedies: [
      '`batchwright show RUN` says how many partitions each step has.',
      'Plan the step again: `batchwright retry RUN --from STEP`.',
    ],
    example: {
      message: '--partition 8: the step "rate" has 8 partitions, numbered from 0',
      remedy: 'batchwright retry latest --partition 7 --step rate',
    },
  },
  PARTITION_NOT_FOUND: {
    title: 'No such partition in the store',
    meaning: 'A program asked to run a partition again that the step does not have.',
    causes: ['The number is of another step or run.'],
    remedies: ['`batchwright show RUN` says how many partitions each step has.'],
    example: {
      message: 'run 01kabc, step rate: expected a partition with index 8, found none',
      remedy: 'batchwright show 01kabc',
    },
  },
  STEP_NOT_FOUND: {
    title: 'The run has no such step',
    meaning: 'A program named a step that the run was not made with.',
    causes: ['The step was added to the job file after the run had been made.'],
    remedies: ['`batchwright show RUN` lists its steps; `batchwright rerun JOB` makes a revision with the new ones.'],
    example: {
      message: 'run 01kabc: expected one of its steps (clean), found rate',
      remedy: 'batchwright show 01kabc',
    },
  },
  FILE_MISSING: {
    title: 'The file that was named is not there',
    meaning: '`--file` names the edited export of dead letters that is to be replayed. There is no such file.',
    causes: ['The path is mistyped, or relative to another folder.'],
    remedies: ['Export the letters first: `batchwright dead-letters export RUN --output FILE`.'],
    example: {
      message: 'expected an export at letters.jsonl, and there is none',
      remedy: 'batchwright dead-letters export latest --output letters.jsonl',
    },
  },
  DEAD_LETTER_UNKNOWN: {
    title: 'No such dead letter',
    meaning: 'The run has no dead letter with this id. Without `--run`, the latest run is meant.',
    causes: ['The letter is of another run.', 'A later replay has taken it in.', 'The id is mistyped.'],
    remedies: ['`batchwright dead-letters list RUN` lists those of a run; `--run RUN` names another one.'],
    example: {
      message: 'orders 2026-03-01 has no dead letter "4f2a" (run 01kabc)',
      remedy: 'batchwright dead-letters list 01kabc',
    },
  },
  DEAD_LETTER_AMBIGUOUS: {
    title: 'More than one dead letter is meant',
    meaning: 'What was typed is the beginning of the ids of several dead letters.',
    causes: ['The beginning is too short.'],
    remedies: ['Type more of the id.'],
    example: {
      message: '"4" is the beginning of 3 dead letters\' ids',
      remedy: 'batchwright dead-letters show 4f2a91',
    },
  },
  NOT_PUBLISHED: {
    title: 'Nothing is published of this dataset',
    meaning: 'The dataset exists in a job file, but no run has published it, or not for this window.',
    causes: ['The job has not run for this window, or has failed.', 'The window is mistyped.'],
    remedies: [
      'Run the job that writes it: `batchwright run JOB --window WINDOW`.',
      '`batchwright datasets show NAME` lists what is published.',
    ],
    example: {
      message: 'nothing is published of "clean_orders" for the window 2026-04-01',
      remedy: 'batchwright run orders --window 2026-04-01',
    },
  },
  VERSION_NOT_FOUND: {
    title: 'No such published version',
    meaning: 'The dataset has no version of this number for this window, or its manifest is gone.',
    causes: ['The number is of another window.', 'Somebody removed files from the folder of the dataset.'],
    remedies: ['`batchwright datasets show NAME --window WINDOW` lists the versions.'],
    example: {
      message: 'expected published version 4 in out/invoices/2011-01/_manifests, found versions 1, 2',
      remedy: 'batchwright rollback invoices --window 2011-01 --to 2',
    },
  },
  ALREADY_CURRENT: {
    title: 'That version is current already',
    meaning: 'Readers see this version now: there is nothing to roll back.',
    causes: ['The rollback was done before.'],
    remedies: ['`batchwright datasets show NAME` lists the versions.'],
    example: {
      message: 'version 2 is what readers of "invoices" see already',
      remedy: 'batchwright datasets show invoices',
    },
  },
  NO_EARLIER_VERSION: {
    title: 'There is no version to go back to',
    meaning: 'Only one version of the dataset was ever published for this window.',
    causes: ['A rollback needs an earlier version.'],
    remedies: ['`batchwright datasets show NAME` lists the versions; `--to N` chooses one.'],
    example: {
      message: '"invoices" has no version before 1 to go back to',
      remedy: 'batchwright datasets show invoices',
    },
  },
  NODE_TOO_OLD: {
    title: 'This Node is too old',
    meaning:
      'Batchwright needs Node 24: its SQLite, its type stripping and its worker limits are part of what it stands on.',
    causes: ['Another version of Node comes first in PATH.', 'A version manager has switched back in a new shell.'],
    remedies: [
      'Install it from https://nodejs.org, or `nvm install 24`, `fnm install 24`.',
      '`node --version` shows which one is found.',
    ],
    example: {
      message: 'Batchwright needs Node 24 or newer; this is Node 20.9.0 (/usr/bin/node)',
      remedy: 'nvm install 24',
    },
  },
  NOT_BUILT: {
    title: 'This copy of Batchwright has not been built',
    meaning: 'The command was started from a copy of the repository in which `npm run build` has not run yet.',
    causes: ['A fresh clone.'],
    remedies: ['`npm run build` in the repository.'],
    example: { message: 'this copy of Batchwright has not been built', remedy: 'npm run build' },
  },
}
