import type { Catalogue } from './entry.ts'

/** Job files: what is wrong before anything runs. The error is shown at the line of the job file. */
export const DEFINITIONS: Catalogue = {
  JOB_FILE_INVALID: {
    title: 'A job file cannot be loaded',
    meaning:
      'The file has a mistake in its syntax, imports something that is not there, throws while it is loaded, or does not default-export a job.',
    causes: [
      'A syntax error.',
      'A package that is not installed, or a path that is mistyped.',
      'The file reads, connects or computes when it is loaded.',
      'The default export is missing.',
    ],
    remedies: [
      'Mend the line that the error shows.',
      'Install what is missing: `npm install PACKAGE`.',
      "End the file with `export default job('name', { ... }, (steps) => { ... })`.",
    ],
    example: {
      message: 'the job file could not be bundled: Could not resolve "lodash"',
      remedy: 'npm install lodash',
    },
  },
  JOB_FILE_MISSING: {
    title: 'The job file is gone',
    meaning: 'A job file that was there a moment ago cannot be found any more.',
    causes: ['It was moved or renamed meanwhile.'],
    remedies: ['`batchwright jobs` lists the jobs there are.'],
    example: { message: 'expected a job file at jobs/orders.ts, found none', remedy: 'batchwright jobs' },
  },
  JOB_FILE_UNREADABLE: {
    title: 'A job file may not be read',
    meaning: 'The file is there, and the system does not let this user read it.',
    causes: ['It belongs to somebody else, or was copied with too few rights.'],
    remedies: ['`ls -ld FILE` shows who may read it; `id` shows who you are.'],
    example: {
      message: 'expected to be able to read jobs/orders.ts, found that the system refuses it (EACCES)',
      remedy: 'chmod a+r jobs/orders.ts',
    },
  },
  JOB_DUPLICATE: {
    title: 'Two jobs of one name',
    meaning: 'Runs are found again by the name of their job, so a project can have each name once.',
    causes: ['A job file was copied, and its name kept.'],
    remedies: ["Rename one: the first argument of `job('name', ...)`."],
    example: {
      message: 'two files define a job called "orders": jobs/orders.ts and jobs/orders-copy.ts',
      remedy: "export default job('orders-copy', { ... }, (steps) => { ... })",
    },
  },
  JOB_EMPTY: {
    title: 'A job without steps',
    meaning: 'The function that declares steps declared none.',
    causes: ['The steps are declared in a branch that was not taken.', 'The file is not finished.'],
    remedies: ["Declare one: `steps.records('name').read(...)`."],
    example: {
      message: 'job "orders": it has no steps',
      remedy: "steps.records('clean').read(orders).write(cleanOrders)",
    },
  },
  JOB_INVALID: {
    title: 'job() is called with something else than it takes',
    meaning: 'The arguments are a name, options, and a function that declares steps at once, without promises.',
    causes: ['The function is `async`.', 'An argument is missing.', 'A window or parameters made by something else.'],
    remedies: ["Write `job('name', { window: daily() }, (steps) => { ... })`.", 'Move work that waits into a step.'],
    example: {
      message: 'job "orders": the function that declares steps is asynchronous',
      remedy: "export default job('orders', {}, (steps) => { ... })",
    },
  },
  NAME_INVALID: {
    title: 'A name that cannot be one',
    meaning:
      'Names of jobs, steps, datasets, rules and services become folders, URLs and labels: lower-case letters, digits, `-` and `_`, a letter first.',
    causes: ['Capitals, blanks or dots in a name.', 'An empty name.'],
    remedies: ['Take the name that the hint proposes.'],
    example: {
      message: 'job name: expected lower-case letters, digits, - and _, a letter first, found "Clean Orders"',
      remedy: "job('clean_orders', ...)",
    },
  },
  OPTIONS_INVALID: {
    title: 'Options are expected as an object',
    meaning: 'The call takes an object with options, and was given something else.',
    causes: ['A value where `{ name: value }` is meant.'],
    remedies: ['The hint lists the options.'],
    example: {
      message: 'job "orders", step "clean" .retry(): expected an object with options, found the number 3',
      remedy: '.retry({ attempts: 3 })',
    },
  },
  UNKNOWN_OPTION: {
    title: 'No such option',
    meaning:
      'An object of options holds a name that the call does not know. It is refused, so that a typing mistake cannot turn a limit off.',
    causes: ['The name is mistyped.', 'The option belongs to another method.'],
    remedies: ['The hint lists the options, and the nearest name.'],
    example: {
      message: 'job "orders", step "clean" .retry(): there is no option "attemps"',
      remedy: '.retry({ attempts: 4 })',
    },
  },
  UNIT_INVALID: {
    title: 'A duration, size, rate or ratio that cannot be read',
    meaning: "Amounts are written with their unit: `'90s'`, `'16MB'`, `'50/s'`, `'40%'`.",
    causes: ['A number without a unit.', 'A unit that does not exist, or a blank before it.'],
    remedies: ['The hint lists the units.'],
    example: {
      message: "timeout: expected a duration such as '250ms', '90s', '1min', '4h', '2d', found \"90 seconds\"",
      remedy: ".timeout('90s')",
    },
  },
  POLICY_INVALID: {
    title: 'A policy that contradicts itself',
    meaning: 'A setting of retries, limits, partitions or commits is out of range, or two of them cannot both hold.',
    causes: ['A minimum above a maximum.', 'A limit that is neither a count nor a percentage.'],
    remedies: ['Mend the setting that the message names.'],
    example: {
      message: 'job "orders", step "clean" .rejects(): expected a count or a ratio, found "many"',
      remedy: ".rejects({ no_price: '2%' })",
    },
  },
  CHECK_INVALID: {
    title: 'A check that cannot be made',
    meaning: 'A check of a dataset asks for nothing, contradicts itself, or was given something it cannot use.',
    causes: ['`min` above `max`.', 'A column that is no text, a pattern with flags, an empty query.'],
    remedies: ['Mend the call that the message names.'],
    example: {
      message: 'check.range("price"): min 10 is above max 1',
      remedy: "check.range('price', { min: '1', max: '10' })",
    },
  },
  CONTRACT_INVALID: {
    title: 'A contract that cannot be one',
    meaning:
      'A contract is a version from 1 and a record, with an upcast for each older version that may still be read.',
    causes: [
      'The version is missing or 0.',
      'The second argument is no record and no Standard Schema.',
      'An upcast for a version that is not older.',
    ],
    remedies: ['Write `contract(1, record({ ... }))`, and count up when the record changes.'],
    example: { message: 'contract(): expected a contract version from 1, found 0', remedy: 'contract(1, orderRow)' },
  },
  DATASET_INVALID: {
    title: 'A dataset that cannot be one',
    meaning:
      'A dataset says where its data lies (`files` or `location`), its format and its contract; one of these is missing or does not fit.',
    causes: [
      'Both `files` and `location`, or neither.',
      'A placeholder in a path that does not exist, or `{date}` without a window.',
      'A key or a check on a field that the contract does not have.',
    ],
    remedies: ['Mend the option that the message names; the hint shows how it is written.'],
    example: { message: 'dataset "orders": there is no placeholder {day}', remedy: "files: 'in/{date}.csv'" },
  },
  DATASET_DUPLICATE: {
    title: 'Two datasets of one name',
    meaning: 'A job uses two definitions of datasets that have the same name.',
    causes: ['A definition was copied into another file in place of importing it.'],
    remedies: ['Export the dataset from one file and import it in the other.', 'Or rename one.'],
    example: {
      message: 'job "orders": two datasets are called "raw_orders"',
      remedy: "import { rawOrders } from './datasets.ts'",
    },
  },
  DATASET_TWO_WRITERS: {
    title: 'Two steps write one dataset',
    meaning: 'A dataset is published by exactly one step of a job.',
    causes: ['A step was copied, and its `.write()` kept.'],
    remedies: ['Write a dataset of its own, or bring the records together in one step.'],
    example: {
      message: 'job "orders", step "more" .write(): the dataset "clean_orders" is already written by the step "clean"',
      remedy: '.write(moreOrders)',
    },
  },
  DATASET_NOT_YET_PUBLISHED: {
    title: 'A step reads what the same run has yet to publish',
    meaning:
      'Datasets are published when the whole run is over. Inside the run a step reads the step that makes the records.',
    causes: ['`.read(dataset)` where `.read(step)` is meant.'],
    remedies: ['Read the step: `.read(clean)`.', 'Or an earlier window: `.read(dataset.previous(1))`.'],
    example: {
      message:
        'job "orders", step "sum" .read(): the dataset "clean_orders" is written by the step "clean" of this job, and published only when the run is over',
      remedy: "steps.reduce('sum').read(clean)",
    },
  },
  DATASET_READ_ONLY: {
    title: 'A dataset of files cannot be written',
    meaning:
      '`files` names what others put there. Only a dataset with a `location` has versions that can be written and rolled back.',
    causes: ['The wrong dataset in `.write()`.', '`files` where `location` is meant.'],
    remedies: ["Give the dataset a folder: `location: 'out/orders'`."],
    example: {
      message:
        'job "orders", step "clean" .write(): the dataset "raw_orders" is made of files that others put there, so it cannot be written',
      remedy: '.write(cleanOrders)',
    },
  },
  FIELD_INVALID: {
    title: 'A field that contradicts itself',
    meaning: 'The settings of a field do not fit one another, or its format cannot be read.',
    causes: [
      '`optional()` together with `default()`.',
      'A default of another type.',
      'A date format with letters that are no tokens.',
    ],
    remedies: ['Mend the setting that the message names.'],
    example: {
      message: 'field.decimal(): expected a scale from 0 to 38, found 2.5',
      remedy: 'field.decimal({ scale: 2 })',
    },
  },
  RECORD_INVALID: {
    title: 'A record that cannot be one',
    meaning: '`record({ ... })` takes fields by their names, and each column once.',
    causes: [
      'A value that is no field.',
      'Two fields that read one column.',
      'A name with blanks: it is the name in code; the column has its own.',
    ],
    remedies: ["Name it as code would, and add `.column('Unit Price')` for the name in the file."],
    example: {
      message: 'record() field "Unit Price": expected a name of letters, digits and _, no digit first',
      remedy: "unitPrice: field.decimal({ scale: 2 }).column('Unit Price')",
    },
  },
  FORMAT_INVALID: {
    title: 'A format that cannot be read or written',
    meaning: 'The options of `csv()` or `jsonl()` contradict each other or are out of range.',
    causes: ['Delimiter and quote are the same character.', 'A delimiter of several characters.'],
    remedies: ['Choose one ASCII character each.'],
    example: {
      message: 'csv() delimiter: expected one ASCII character, found "||"',
      remedy: "csv({ delimiter: '|' })",
    },
  },
  KEY_INVALID: {
    title: 'A key that is no text',
    meaning: 'Records are brought together by a text, made by `.by(...)`.',
    causes: ['The field is a number, a decimal or null.'],
    remedies: [
      'Turn it into text: `.by((line) => String(line.customer))`.',
      'For several fields: `` `${line.customer}/${line.month}` ``.',
    ],
    example: {
      message: 'job "orders", step "total" .by(): expected a key of text, found the number 1',
      remedy: '.by((line) => String(line.customer))',
    },
  },
  SCHEMA_ASYNCHRONOUS: {
    title: 'A schema that waits',
    meaning: 'A contract is checked for every record, at once. This schema of another library answers with a promise.',
    causes: ['An asynchronous refinement or transform.'],
    remedies: ['Take it out of the contract, and look things up in `process`.'],
    example: {
      message: 'expected a schema that validates at once, found one of zod that answers with a promise',
      remedy: '.process(async (order, context) => ...)',
    },
  },
  SCHEMA_WITHOUT_COLUMNS: {
    title: 'A schema whose columns are not known',
    meaning: 'CSV, Parquet and SQL need to know the columns. A schema of another library does not tell them.',
    causes: ['`contract(1, zodSchema)` for a dataset in CSV or Parquet.'],
    remedies: ['Describe it with `record({ ... })`, or use `format: jsonl()`.'],
    example: {
      message:
        'expected a record() of field types to write CSV, found a schema of another library: its columns are not known',
      remedy: 'contract(1, record({ id: field.text() }))',
    },
  },
  SERVICE_INVALID: {
    title: 'A service that cannot be opened',
    meaning: "`service('name', { secrets, open, close })`: `open` must be a function that returns the client.",
    causes: ['The client itself was given in place of a function.'],
    remedies: ['Open it inside: `open: ({ secrets }) => connect(secrets.URL)`.'],
    example: {
      message: 'service "smtp" open: expected a function, found an object',
      remedy: 'open: () => createTransport()',
    },
  },
  STEP_INVALID: {
    title: 'A step is declared with something it cannot use',
    meaning: 'A method of the step was given a value that it does not take.',
    causes: [
      'Not a function where one is expected.',
      'A word that is none of the choices.',
      'A number that is no whole number from 1.',
    ],
    remedies: ['Mend the call that the error shows; the hint says what it takes.'],
    example: {
      message: 'job "orders", step "clean" .process(): expected a function of a record, found undefined',
      remedy: '.process(rate)',
    },
  },
  STEP_ORDER: {
    title: 'Methods of a step in the wrong order',
    meaning: 'A step is a chain: what it reads, what it does with it, limits, and at last what it writes.',
    causes: [
      '`.write()` is not the last.',
      '`.process()` before `.read()`.',
      'A step declared after the job was built.',
    ],
    remedies: ['Put the method where the hint says.'],
    example: {
      message: 'job "orders", step "clean" .retry(): it comes after .write(), which ends the chain',
      remedy: '.read(orders).process(rate).retry({ attempts: 4 }).write(clean)',
    },
  },
  STEP_CYCLE: {
    title: 'Steps wait for each other',
    meaning:
      'Following what each step reads, and what it comes `after`, leads back to where it began: none of them could start.',
    causes: ['`.after()` in the wrong direction.', 'A step that reads itself.'],
    remedies: ['Take one of the dependencies away that the message names.'],
    example: {
      message: 'job "orders": "clean" waits for "sum" waits for "clean"',
      remedy: "steps.function('notify', send).after(sum)",
    },
  },
  STEP_DUPLICATE: {
    title: 'Two steps of one name',
    meaning: 'Within a job, each step has a name of its own.',
    causes: ['A step was copied, and its name kept.'],
    remedies: ['Rename one of them.'],
    example: { message: 'job "orders": two steps are called "clean"', remedy: "steps.records('clean_late')" },
  },
  STEP_INPUT_INVALID: {
    title: 'A step reads something that is neither a dataset nor a step',
    meaning: '`.read()` takes a `dataset(...)`, or what `steps.records(...)` returned.',
    causes: ["The step's name in place of the step.", 'A variable that is undefined.'],
    remedies: ['Keep the step in a constant, and pass that.'],
    example: {
      message: 'job "orders", step "sum" .read(): expected a dataset or a step, found "clean"',
      remedy: "const clean = steps.records('clean')...\nsteps.reduce('sum').read(clean)",
    },
  },
  STEP_KIND_UNKNOWN: {
    title: 'No such kind of step',
    meaning: 'Steps are `records`, `reduce`, `sql` or `function`.',
    causes: ['The word is mistyped.'],
    remedies: ['The hint lists the kinds.'],
    example: { message: 'job "orders": there is no kind of step called "record"', remedy: "steps.records('clean')" },
  },
  STEP_OF_ANOTHER_JOB: {
    title: 'A step of another job',
    meaning: 'A step can only read steps of its own job: the other one runs at another time.',
    causes: ['The step was kept in a variable that two jobs share.'],
    remedies: ['Read the dataset that the other job publishes.'],
    example: {
      message: 'job "report", step "sum" .read(): the step "clean" belongs to another job ("orders")',
      remedy: '.read(cleanOrders)',
    },
  },
  WINDOW_MISFIT: {
    title: 'Windows that do not fit into each other',
    meaning:
      "A run reads whole windows inside its own, and publishes exactly its own. The dataset's windows are of another size or time zone.",
    causes: [
      'A job without a window writes a dataset with one.',
      'A daily job reads monthly files.',
      'Two time zones.',
    ],
    remedies: ['Give both the same window, or say which to read: `.read(dataset.at((window) => [...]))`.'],
    example: {
      message:
        'job "orders", step "clean" .write(): the dataset "clean_orders" has windows of a day (UTC), and a run of the job has no window',
      remedy: "job('orders', { window: daily() }, ...)",
    },
  },
  OUTPUT_NAME_RESERVED: {
    title: 'A name that outputs cannot have',
    meaning: 'The name stands for the records that a step writes without a name.',
    causes: ['`.outputs({ main: ... })`.'],
    remedies: ['Publish those with `.write(dataset)`, and give the output another name.'],
    example: {
      message: 'job "orders", step "split" .outputs(): the name "main" stands for the records without a name',
      remedy: '.outputs({ late })',
    },
  },
  OUTPUT_UNKNOWN: {
    title: 'No output of this name',
    meaning: 'A record was sent to, or a total asked of, an output that the step does not declare.',
    causes: ['The name is mistyped.', 'Nothing publishes or reads this output.'],
    remedies: ['Declare it: `.outputs({ name: dataset })`, or let a step read `.output("name")`.'],
    example: {
      message: 'step split: expected one of its outputs (late), found output("lat", ...)',
      remedy: "return output('late', order)",
    },
  },
  ISOLATION_UNKNOWN: {
    title: 'The step asks for an isolation that this worker does not have',
    meaning: 'Steps run in a thread, or inline in the process of the worker.',
    causes: ['The worker was started without that kind of slot.'],
    remedies: ['Change `.isolation()` of the step.'],
    example: {
      message: "the step asks for isolation 'process'; this worker has inline",
      remedy: ".isolation('thread')",
    },
  },
  SERVICE_DUPLICATE: {
    title: 'Two services of one name',
    meaning: 'A job uses two definitions of services that have the same name.',
    causes: ['A definition was copied into another file in place of importing it.'],
    remedies: ['Export the service from one file and import it in the other.', 'Or rename one.'],
    example: {
      message: 'job "invoices": two services are called "smtp"',
      remedy: "import { smtp } from './services.ts'",
    },
  },
}
