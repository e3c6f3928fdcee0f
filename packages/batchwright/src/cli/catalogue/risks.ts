import type { Catalogue } from './entry.ts'

/** What `check` and `dev` warn of: settings that one will be sorry for, and what a sample shows. */
export const RISKS: Catalogue = {
  RECORDS_ALL_FAIL: {
    title: 'Every record of the sample fails',
    meaning:
      '`check` and `dev` ran the step on a sample, and none of its records came through: each broke the contract, or made the code throw.',
    causes: ['An error in the step that no test has met.', 'A contract that does not fit the data.'],
    remedies: ['Look at the records and the errors: `batchwright dev JOB`.'],
    example: {
      message: 'clean: every one of the 200 records of the sample fails: nothere is not defined',
      remedy: 'batchwright dev orders',
    },
  },
  JOB_OWNERLESS: {
    title: 'A job has no owner',
    meaning: 'Lists and failures name no one to ask.',
    causes: ['`owner` was left out of the job.'],
    remedies: ["Name a team or an address: `owner: 'payments'`."],
    example: {
      message: 'job orders has no owner: nobody is named when it fails',
      remedy: "job('orders', { owner: 'shop', ... })",
    },
  },
  LIMIT_ALLOWS_ALL: {
    title: 'A limit of 100 % is none',
    meaning: 'A run may set aside every record, publish nothing but emptiness, and succeed.',
    causes: ['The limit was opened for a try, and left so.'],
    remedies: ['Give the share that is normal, with some room.'],
    example: {
      message: 'clean: the limit of no_quantity is 100 %: a run may set aside every record and succeed',
      remedy: ".rejects({ no_quantity: '5%' })",
    },
  },
  REJECTS_UNLIMITED: {
    title: 'A rule may reject any number of records',
    meaning: 'The rule has no limit, and there is none for all the others (`*`).',
    causes: ['`.rejects()` was left out, or does not name the rule.'],
    remedies: ['Say how many are normal for each rule, and `*` for the rest.'],
    example: {
      message: 'clean: no_quantity may reject any number of records',
      remedy: ".rejects({ no_quantity: '5%', '*': '1%' })",
    },
  },
  FUNCTION_TIMEOUT_MISSING: {
    title: 'A function step has no time-out',
    meaning: 'A call that never returns would hold the run up for ever, and nobody would be told.',
    causes: ['`timeout` was left out of the step and of the job.'],
    remedies: ['Give the step a time-out that is far above what it takes.'],
    example: {
      message: 'notify: a function step without a time-out: a call that never returns holds the run up for ever',
      remedy: "steps.function('notify', { timeout: '10min' }, notify)",
    },
  },
  DATASET_UNCHECKED: {
    title: 'A dataset is published without a check',
    meaning: 'Whatever the steps make is shown to readers: nothing looks at it before.',
    causes: ['`checks` was left out of the dataset.'],
    remedies: ['Say what must hold: keys are unique, a count is near that of the days before.'],
    example: {
      message: 'dataset clean_orders is published without a check',
      remedy: "checks: [check.unique('id'), check.rowCount({ withinOfHistory: 0.5 })]",
    },
  },
  UNIQUE_CHECK_LARGE: {
    title: 'A unique check compares very many keys',
    meaning: 'Keys that do not fit in memory are sorted on disk before each publication, which takes time and room.',
    causes: ['The dataset has grown.'],
    remedies: ['Reduce by the key, which makes it unique, and leave the check out.'],
    example: {
      message: 'dataset events: unique(id) compares the keys of 80,000,000 records, on disk, before each publication',
      remedy: "steps.reduce('events').by((event) => event.id)",
    },
  },
  MEMORY_BEYOND_MACHINE: {
    title: 'More memory is allowed than there is',
    meaning: 'Slots and steps together may take more memory than the machine has; the operating system would end them.',
    causes: ['The settings were made for a larger machine.'],
    remedies: [
      'Lower `slots.count` or `slots.memory` in `batchwright.config.json`, or `.memory()` of the step: what does not fit is sorted on disk.',
    ],
    example: {
      message: '8 slots of 2.0 GB are more than this machine has (8.0 GB)',
      remedy: '{ "slots": { "count": 2 } }',
    },
  },
  DATASET_DEFINED_TWICE: {
    title: 'Two jobs define one dataset differently',
    meaning:
      'Two definitions with the same name lie in different folders: what one job writes, the other does not read.',
    causes: ['A definition was copied, and one of the two changed.'],
    remedies: ['Define the dataset once, in a file that both jobs import.', 'Or give one of them another name.'],
    example: {
      message: 'dataset orders lies in out/orders for job clean, and in out/old for job bill',
      remedy: "import { orders } from './datasets.ts'",
    },
  },
  DATASET_UNUSED: {
    title: 'A dataset is defined and used nowhere',
    meaning: 'No step reads or writes it.',
    causes: ['It is left from an earlier version of the job.', 'The step that should read it reads another.'],
    remedies: ['Read or write it in a step, or take it out.'],
    example: { message: 'the dataset returns is defined and used nowhere', remedy: '.read(returns)' },
  },
  SERVICE_UNUSED: {
    title: 'A service is defined and used nowhere',
    meaning: 'No step is given it.',
    causes: ['It is left from an earlier version of the job.'],
    remedies: ['Give it to a step, or take it out.'],
    example: { message: 'the service mail is defined and used nowhere', remedy: '.use({ mail })' },
  },
  PARAMETER_UNUSED: {
    title: 'A parameter is used nowhere',
    meaning: 'Runs may be given it, and nothing changes.',
    causes: ['It is left from an earlier version of the job.'],
    remedies: ['Read it in a step, or take it out.'],
    example: {
      message: 'the parameter country of job orders is used nowhere',
      remedy: '(order, { parameters }) => parameters.country',
    },
  },
  TYPES_UNCHECKED: {
    title: 'Types are not checked',
    meaning: '`dev` and `check` run the TypeScript of the project, and there is none.',
    causes: ['`typescript` is not installed in the project.'],
    remedies: ['Install it: `npm install --save-dev typescript`.'],
    example: {
      message: 'types are not checked: typescript is not installed in this project',
      remedy: 'npm install --save-dev typescript',
    },
  },
}
