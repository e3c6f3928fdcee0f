import type { Catalogue } from './entry.ts'

/** What the test kit raises. */
export const TESTING: Catalogue = {
  FAULT_INJECTED: {
    title: 'A test made this fail on purpose',
    meaning: 'The test kit was asked to let a call fail, and did.',
    causes: ['`faults` of a run in memory.'],
    remedies: ['Nothing: the test looks at what becomes of it.'],
    example: { message: 'a fault of the test at checkpoint', remedy: 'await runInMemory(job, { faults: [] })' },
  },
  INPUT_UNKNOWN: {
    title: 'A test gives records for a dataset that the job does not read',
    meaning: 'A name among the `inputs` of a run in memory is none of the job.',
    causes: ['The name is mistyped, or the dataset was renamed.'],
    remedies: ["Use the dataset's own name: the first argument of `dataset('name', ...)`."],
    example: {
      message: "inputs: job 'orders' has no dataset 'raw'; it has raw_orders, clean_orders",
      remedy: 'await runInMemory(job, { inputs: { raw_orders: [...] } })',
    },
  },
  RESTART_DIFFERS: {
    title: 'A restarted step gives another result',
    meaning: 'The test kit killed the step at a commit and resumed it; its output is not that of the undisturbed run.',
    causes: [
      'State that lives outside the checkpoint: a module variable, a file, a cache.',
      'The wall clock or `Math.random` in `process`.',
    ],
    remedies: [
      'Keep such state in `context.state`, or derive it from the record.',
      'Use `context.logicalTime` for the time.',
    ],
    example: {
      message:
        "step 'rate', killed after commit 2 was recorded and resumed, differs from the undisturbed run in written",
      remedy: 'context.state.set(line.customer, seen + 1)',
    },
  },
  RUN_FAILED: {
    title: 'The run of a test did not succeed',
    meaning: 'Restarts are compared with a run that succeeds, and the undisturbed run failed.',
    causes: ['The job or the inputs of the test are wrong.'],
    remedies: ['Mend what the message says, then look at restarts.'],
    example: {
      message: 'expected the undisturbed run to succeed, it failed: no price',
      remedy: "inputs: { lines: [{ price: '1.00' }] }",
    },
  },
  SERVICE_UNKNOWN: {
    title: 'A test gives a fake for a service that the job does not use',
    meaning: 'A name among the `services` of a test is none of the job.',
    causes: ['The name is mistyped, or the service was renamed.'],
    remedies: ["Use the service's own name: the first argument of `service('name', ...)`."],
    example: {
      message: 'services: no step of job "invoices" uses a service "mail"; there are smtp',
      remedy: 'await runInMemory(job, { services: { smtp: fakeSmtp } })',
    },
  },
  TEST_MISUSED: {
    title: 'The test kit is called in a way that it does not know',
    meaning:
      'Arguments of the test kit do not fit each other, or records of a test are not what the step can be given.',
    causes: [
      'A record, or the name of a step, is left out.',
      'Records for a reduce step or rows for a lookup break their contract.',
    ],
    remedies: [
      "Write `testStep(process, record)` or `testStep(job, 'step', record)`.",
      'Mend the records that the message names.',
    ],
    example: {
      message: 'testStep: expected the name of a step and a record behind the job',
      remedy: "await testStep(billing, 'rate', { invoice: 'A1', price: '1.50' })",
    },
  },
  STEP_NOT_TESTABLE: {
    title: 'A step of this kind cannot be tested without an engine',
    meaning:
      '`testStep` runs records through a step: sql and function steps take none, and a reduce step takes a list.',
    causes: ['The step is of kind sql or function.', 'A reduce step is given one record.'],
    remedies: ['Run the whole job with `runInMemory(job, { inputs })`.', 'Give a reduce step a list.'],
    example: {
      message: 'testStep: step total is of kind reduce; a reduce step takes a list of records',
      remedy: "await testStep(billing, 'total', [line, line])",
    },
  },
  SERVICE_NOT_FAKED: {
    title: 'A step used a service that the test does not give',
    meaning:
      'In `testStep` no service is opened: a step finds the clients that the test gives, and fails where it uses another.',
    causes: ['`services` is left out, or does not name this service.'],
    remedies: ['Give a client by the name of the service: `fakeService` makes one and records its calls.'],
    example: {
      message: 'step send used smtp.send, and the test gives no client for the service smtp',
      remedy: "await testStep(invite, 'send', person, { services: { smtp: fakeSmtp.client } })",
    },
  },
  FAKE_INCOMPLETE: {
    title: 'A fake lacks what was used of it',
    meaning: 'A fake is made of as much of a service as a test needs; here more of it was used.',
    causes: ['The step calls a function of the service that the fake was not given.'],
    remedies: ['Give the fake that function.'],
    example: {
      message: 'the fake of service smtp has no send, and it was used',
      remedy: 'fakeService(smtp, { send: () => Promise.resolve() })',
    },
  },
  LOOKUP_NOT_GIVEN: {
    title: 'A step used a lookup whose rows the test does not give',
    meaning: 'In `testStep` nothing is read: a step finds the rows that the test gives for its lookups.',
    causes: ['`lookups` is left out, or does not name this one.'],
    remedies: ['Give rows by the name that the step uses; an empty list is a lookup that finds nothing.'],
    example: {
      message: 'step name used the lookup countries, and the test gives no rows for it',
      remedy: "await testStep(naming, 'name', line, { lookups: { countries: [] } })",
    },
  },
  LOOKUP_UNKNOWN: {
    title: 'A test gives rows for a lookup that the step does not have',
    meaning: 'A name among the `lookups` of a test is none of the step.',
    causes: ['The name is mistyped, or the lookup was renamed.'],
    remedies: ['Use the name that `.lookup({ name: ... })` gives it.'],
    example: {
      message: 'lookups: step name has no lookup "country"; it has countries',
      remedy: "await testStep(naming, 'name', line, { lookups: { countries: [] } })",
    },
  },
  CONTRACT_WITHOUT_FIELDS: {
    title: 'Records cannot be made of a schema whose fields are not known',
    meaning:
      '`validRecords` and `invalidRecords` need the fields of a contract; a schema of another library does not tell them.',
    causes: ['The contract is made with a schema of another library.'],
    remedies: ['Describe the records with `record({ ... })`.', "Make them with that library's own generators."],
    example: {
      message: 'lines: expected a contract of record({ ... }) to make records of, found a schema of another library',
      remedy: 'contract(1, record({ invoice: field.text() }))',
    },
  },
  GOLDEN_MISSING: {
    title: 'There is no golden file yet',
    meaning: 'A result is compared with the file that holds what was right before, and there is none.',
    causes: ['The test is new.', 'The file was not committed, or its name is mistyped.'],
    remedies: ['Write it with `BATCHWRIGHT_UPDATE_GOLDEN=1`, read it, and commit it.'],
    example: {
      message: 'expected a golden file at test/orders.golden, found none',
      remedy: 'BATCHWRIGHT_UPDATE_GOLDEN=1 npm test',
    },
  },
  GOLDEN_INVALID: {
    title: 'A golden file cannot be read',
    meaning: 'A golden file holds headings (`## ...`) and records, each as one line of JSON; a line of it is neither.',
    causes: ['The file was edited by hand, or a merge left its marks.'],
    remedies: [
      'Mend the line that the message names.',
      'Write the file anew with `BATCHWRIGHT_UPDATE_GOLDEN=1`, and read what has changed.',
    ],
    example: {
      message: 'test/orders.golden:3: expected a heading (## ...) or a record as JSON, found "<<<<<<< HEAD"',
      remedy: 'BATCHWRIGHT_UPDATE_GOLDEN=1 npm test',
    },
  },
  GOLDEN_UPDATE_IN_CI: {
    title: 'Golden files are not written in CI',
    meaning: 'With `BATCHWRIGHT_UPDATE_GOLDEN` set every result would be right. Where `CI` is set it is refused.',
    causes: ['The variable is set in the settings of the CI.'],
    remedies: ['Take it out there; write golden files on your own machine, and read them before you commit them.'],
    example: {
      message: 'BATCHWRIGHT_UPDATE_GOLDEN is set in CI: test/orders.golden would be right whatever the code does',
      remedy: 'npm test',
    },
  },
  GOLDEN_PLACE_UNKNOWN: {
    title: 'It cannot be told where a golden file lies',
    meaning:
      'A relative name is looked for beside the test that asks for it, and the runner does not say which file that is.',
    causes: ['The test runs from a bundle or from generated code.'],
    remedies: ["Give the place itself: `new URL('./orders.golden', import.meta.url)`."],
    example: {
      message: 'matchesGolden: it cannot be told which file asks for "orders.golden", to look beside it',
      remedy: "matchesGolden(result, new URL('./orders.golden', import.meta.url))",
    },
  },
}
