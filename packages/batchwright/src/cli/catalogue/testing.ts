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
}
