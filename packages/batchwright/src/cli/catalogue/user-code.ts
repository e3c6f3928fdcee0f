import type { Catalogue } from './entry.ts'

/** What the functions of a job file did: process, fold, finish, services, SQL. Shown at their line. */
export const USER_CODE: Catalogue = {
  USER_ERROR: {
    title: 'Your code threw an error',
    meaning:
      'A function of the job file threw, and the error has no code of its own. In a list of dead letters it is the reason of records that failed so.',
    causes: [
      'A value that the code does not expect: null, an unknown word.',
      'Something that is not an `Error` was thrown.',
    ],
    remedies: [
      'The error shows the line of your code; `--verbose` the whole stack.',
      'Reject the record where the data is at fault: `return reject("no_price")`.',
      'Replay it: `batchwright dead-letters debug ID`, or `batchwright debug TASK`.',
    ],
    example: {
      message: "Cannot read properties of null (reading 'times')",
      remedy: "if (line.price === null) return reject('no_price')",
    },
  },
  RECORD_FAILED: {
    title: 'A record failed, and the step sets none aside',
    meaning:
      'Your code threw for this record, or the record breaks the contract. Without `.skip()` that fails the task. Nothing of the run is published.',
    causes: ['The data holds something that the code does not expect.', 'A mistake in `process`.'],
    remedies: [
      'Mend the code at the line that is shown, then `batchwright retry RUN` goes on from the last checkpoint.',
      'Or mend the data, then `batchwright rerun JOB --window WINDOW`: a run keeps to the input that it began with.',
      "Let the step set such records aside: `.skip('1%')`, and look at them with `batchwright dead-letters list`.",
      'Replay it under the debugger: `batchwright debug TASK`.',
    ],
    example: {
      message: 'clean, partition 0: record 3 of in/2026-03-01.csv failed: no price for o3',
      remedy: ".process(rate).skip('1%')",
    },
  },
  LIMIT_EXCEEDED: {
    title: 'More records were set aside than the step allows',
    meaning:
      'Rejects have limits by rule, and failures one of their own (`skip`). One of them is passed, so the task fails before anything is published.',
    causes: ['The data is worse than usual.', 'A rule that rejects too much after a change.'],
    remedies: [
      'Look at them: `batchwright dead-letters list RUN`.',
      "Mend the rule, or raise the limit: `.rejects({ no_price: '5%' })`; then `batchwright retry RUN`.",
      'Or mend the data, then `batchwright rerun JOB --window WINDOW`: a run keeps to the input that it began with.',
    ],
    example: {
      message: 'clean, partition 0: expected at most 2 rejects by rule no_price, found 3',
      remedy: '.rejects({ no_price: 10 })',
    },
  },
  PROCESS_RESULT_INVALID: {
    title: 'process returned something that is no record',
    meaning: '`process` returns a record, a list of records, `reject(...)` or `drop()`.',
    causes: ['A `return` is missing.', 'A text or a number was returned.'],
    remedies: ['Return the record, or `drop()` where it is not wanted.'],
    example: {
      message: 'process: expected a record, an array of records, output(...), reject(...) or drop(), found undefined',
      remedy: 'return { ...order, total }',
    },
  },
  OUTPUT_INVALID: {
    title: 'A record that was returned does not fit the contract',
    meaning:
      'What is written is checked against the contract of the dataset: each field of its type, none missing, none more.',
    causes: [
      'A field is missing or misspelt.',
      'A number where a decimal is declared, or more digits than its scale.',
      'A value that cannot be written, such as a function.',
    ],
    remedies: [
      'Return exactly the fields of the contract; TypeScript shows which are missing.',
      'Round decimals: `amount.round(2)`.',
    ],
    example: {
      message:
        'a record to be written does not meet the contract: column amount: expected a decimal with up to 2 places, found 1.005',
      remedy: 'amount: price.times(quantity).round(2)',
    },
  },
  FOLD_FAILED: {
    title: 'The fold of a reduce step failed',
    meaning: '`initial`, `add` or `finish` threw for a key. A reduce step sets no records aside, so the task fails.',
    causes: ['A record that the fold does not expect.', 'A mistake in the fold.'],
    remedies: [
      'Mend the line that is shown, then `batchwright retry RUN`.',
      'Reject such records in the step before it.',
    ],
    example: {
      message: 'total, partition 2: add failed for key "C-17": no rate for XYZ',
      remedy: "if (rate === undefined) return reject('no_rate')",
    },
  },
  FOLD_REJECTED: {
    title: 'finish cannot reject',
    meaning: 'A reduce step gives records for each key; rejecting belongs to records.',
    causes: ['`finish` returned `reject(...)`.'],
    remedies: ['Reject in the records step before it, or in one that reads this step.'],
    example: {
      message: 'expected finish to return records, found reject("empty")',
      remedy: 'finish: (total) => (total.lines === 0 ? [] : total)',
    },
  },
  RESULT_INVALID: {
    title: 'A function step returned or saved something that is no JSON',
    meaning: 'What a function step returns or saves is kept with the run, as JSON.',
    causes: ['A bigint, a circular object, a function.'],
    remedies: ['Return small plain values; large ones belong in a dataset.'],
    example: {
      message: 'step notify: expected plain JSON to be returned or saved: Do not know how to serialize a BigInt',
      remedy: 'return { sent: Number(count) }',
    },
  },
  ITEMS_INVALID: {
    title: 'What each gives are no items',
    meaning:
      'Each item of a function step becomes a task: it is plain JSON, and small, because it is kept with its task.',
    causes: ['`each` gave a text, an object or nothing.', 'An item is a bigint, a function or a large object.'],
    remedies: ['Give ids, names and paths as items, and let the function of the step find the rest.'],
    example: {
      message: 'step resize: expected each to give a number, a list, or items one by one, found nothing',
      remedy: "steps.function('resize', { each: ({ use }) => use.bucket.names() }, ({ item }) => resize(item))",
    },
  },
  CONTROL_INVALID: {
    title: 'A control total that is no exact number',
    meaning: 'Control totals are added exactly: the function must return a decimal, a bigint or a whole number.',
    causes: ['A float, null or text was returned.'],
    remedies: ['Return a decimal field, or `Decimal.from(text)`.'],
    example: {
      message: 'control amount: expected a decimal, a bigint or a whole number, found 0.1',
      remedy: '.control({ amount: (line) => line.amount })',
    },
  },
  DISTINCT_KEY_INVALID: {
    title: 'distinct cannot compare this',
    meaning: 'Records are compared by plain values.',
    causes: ['`by` returned a function, a symbol or a class of your own.'],
    remedies: ['Return text, numbers, decimals, or lists and objects of these.'],
    example: {
      message: 'distinct: expected a key of plain values, found a function in it',
      remedy: '.distinct({ by: (line) => line.id })',
    },
  },
  STATE_NOT_HERE: {
    title: 'This step has no state',
    meaning: '`context.state` belongs to records steps.',
    causes: ['It was used in a reduce or a function step.'],
    remedies: ['Keep it in the fold of a reduce step, or in the progress of a function step.'],
    example: {
      message: 'context.state belongs to steps of kind records: this step has none',
      remedy: 'await context.save({ page: 4 })',
    },
  },
  SECRET_MISSING: {
    title: 'A secret is not set',
    meaning:
      'A service names environment variables that hold its secrets. One is not set, or is empty, where the command runs.',
    causes: ['The variable is not exported in this shell, unit or container.', 'Its name is mistyped in the job file.'],
    remedies: [
      'Set it where the command is started: `export NAME=...`, or an env file of the unit.',
      '`batchwright doctor` lists the secrets of all jobs, and which are missing.',
    ],
    example: {
      message:
        'service smtp: expected the environment variable SMTP_PASSWORD, or SMTP_PASSWORD_FILE with the path of a file, to be set; found neither',
      remedy: 'SMTP_PASSWORD=... batchwright run invoices',
    },
  },
  SERVICE_NOT_OPENED: {
    title: 'A service could not be opened',
    meaning: "The `open` function of a service threw. It is tried again as the step's retries say.",
    causes: ['The server cannot be reached from here.', 'A wrong password or address.', 'A mistake in `open`.'],
    remedies: [
      'The cause and the line of your code are shown.',
      'Test the address and the secret from this machine; then `batchwright retry RUN`.',
    ],
    example: {
      message: 'service db: its open() failed: connect ECONNREFUSED 10.0.0.5:5432',
      remedy: 'nc -vz 10.0.0.5 5432',
    },
  },
  DECIMAL_INVALID: {
    title: 'Not an exact number',
    meaning: 'A decimal is made from text such as `12.50`, a whole number or a bigint, with at most 38 digits.',
    causes: ['Text with blanks, thousands separators or a currency sign.', 'A float that has no exact value.'],
    remedies: ['Clean the text first, or declare the field with `field.decimal({ scale: 2 })` and let it be read.'],
    example: { message: 'expected a decimal such as 12.50, found "1,250.00"', remedy: "Decimal.from('1250.00')" },
  },
  DECIMAL_AS_NUMBER: {
    title: 'An operator was used on a decimal',
    meaning: 'JavaScript operators turn values into floats, which lose cents. Decimals have methods.',
    causes: ['`a.price * 2`, `a.price > b.price`, `total + price`.'],
    remedies: [
      'Use `plus`, `minus`, `times`, `dividedBy`, `compare`, `equals`.',
      '`toNumber()` where a float will do.',
    ],
    example: {
      message: 'expected a method of Decimal, found an operator (+ - * / < > ==) applied to the decimal 2.50',
      remedy: 'line.price.times(line.quantity)',
    },
  },
  DECIMAL_DIVISION_BY_ZERO: {
    title: 'A decimal was divided by zero',
    meaning: 'There is no result. It is an error, not infinity.',
    causes: ['A count or a price of zero in the data.'],
    remedies: ['Test the divisor with `isZero()` first.'],
    example: {
      message: 'expected a divisor other than zero for 12.50',
      remedy: "if (count.isZero()) return reject('no_count')",
    },
  },
  DECIMAL_LOSES_DIGITS: {
    title: 'A decimal has more digits than its field',
    meaning: 'Writing it would silently round. Nothing is rounded unless the code says so.',
    causes: ['A product of a price and a rate.'],
    remedies: ['Round where you decide to: `value.round(2)`.'],
    example: {
      message: 'expected at most 2 digits after the point, found 1.005',
      remedy: 'amount: price.times(rate).round(2)',
    },
  },
  SQL_FAILED: {
    title: 'A query failed',
    meaning: 'DuckDB refused the query of a SQL step or check, or could not finish it.',
    causes: ['A mistake in the query: the message has the line and the nearest name.', 'Too little memory.'],
    remedies: ['Correct the query where the message points.', "Give the step more memory: `.memory('1GB')`."],
    example: {
      message: 'the query failed at line 2, column 8: Referenced column "nett" not found',
      remedy: 'select net from output',
    },
  },
  SQL_NEEDS_DATASET: {
    title: 'A SQL step needs datasets on both sides',
    meaning: 'Tables of a query are datasets, and so is its result: their columns and types come from the contracts.',
    causes: ['The step has no `.write(dataset)`.', 'It reads a step that writes no dataset.'],
    remedies: ["Let that step write a dataset; `publish: 'none'` keeps it inside the run."],
    example: { message: 'sql totals: expected a dataset to write the result to, found none', remedy: '.write(totals)' },
  },
  SQL_NEEDS_FIELDS: {
    title: 'SQL needs to know the columns',
    meaning: 'The contract is a schema of another library, whose columns are not known.',
    causes: ['`contract(1, zodSchema)` on a dataset that a query reads or writes.'],
    remedies: ['Describe it with `contract(1, record({ ... }))`.'],
    example: {
      message: 'dataset totals: expected a contract of fields, found a schema whose columns are not known',
      remedy: 'contract(1, record({ customer: field.text() }))',
    },
  },
  SQL_RESULT_MISMATCH: {
    title: 'A query gives other columns than its dataset',
    meaning: 'The result of a SQL step must have exactly the fields of the contract, with types that fit.',
    causes: ['A column is missing, or has another name.', 'A sum that is wider than the decimal of the field.'],
    remedies: ['Select exactly the fields, by name: `select customer, CAST(sum(amount) AS DECIMAL(18,2)) AS amount`.'],
    example: {
      message: 'the query does not give records of dataset totals: there is no column amount',
      remedy: 'select customer, sum(net) as amount from lines group by customer',
    },
  },
  DUCKDB_MISSING: {
    title: 'DuckDB is not installed',
    meaning:
      'SQL steps, SQL checks and Parquet need the package `@duckdb/node-api`. It is large, so it is not installed with Batchwright.',
    causes: ['It was never installed in this project.', 'There is no build of it for this system.'],
    remedies: ['`npm install @duckdb/node-api`, then the same command again.'],
    example: {
      message:
        'expected the package @duckdb/node-api for SQL steps, SQL checks and Parquet, found that it cannot be loaded',
      remedy: 'npm install @duckdb/node-api',
    },
  },
  SECRET_AMBIGUOUS: {
    title: 'A secret is given in two ways',
    meaning:
      'A secret is an environment variable, or a file that the variable with `_FILE` at its end names. Both are set.',
    causes: ['An old setting was kept when the other was added.'],
    remedies: ['Unset one of the two.'],
    example: {
      message: 'service db: expected one of the environment variables DB_URL and DB_URL_FILE to be set, found both',
      remedy: 'unset DB_URL',
    },
  },
  SECRET_UNREADABLE: {
    title: 'The file with a secret cannot be read',
    meaning: 'The variable with `_FILE` at its end names a file that is not there, or that this user may not read.',
    causes: ['The path is mistyped.', 'The file belongs to another user.', 'The platform is just replacing it.'],
    remedies: ['`ls -l FILE`, as the user that runs the command.'],
    example: {
      message: 'service db: expected DB_URL_FILE to name a file with the secret, and /run/secrets/db could not be read',
      remedy: 'ls -l /run/secrets/db',
    },
  },
  SECRET_IN_RESULT: {
    title: 'A secret would be kept with the run',
    meaning:
      'What a function step returns or saves is kept in the store. It holds a secret of a service, so it was refused.',
    causes: ['A connection URL, a header or a whole client was returned.'],
    remedies: ['Return only what the next reader needs.'],
    example: {
      message: 'step notify: expected no secret of a service in what is returned or saved, found one',
      remedy: 'return { sent: count }',
    },
  },
  SERVICE_NOT_CLOSED: {
    title: 'A service could not be closed',
    meaning: 'The `close` function of a service threw, or took too long. The work itself was done.',
    causes: ['The server had closed the connection already.', 'A mistake in `close`.'],
    remedies: ['Look at the cause; let `close` accept what is closed already.'],
    example: {
      message: 'service db: its close() failed: Client was closed',
      remedy: 'close: (client) => client.end()',
    },
  },
}
