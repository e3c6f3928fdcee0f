import type { Catalogue } from './entry.ts'

/** The beginning of a project, and the debugger: small rooms that need no file of their own. */
export const BEGINNING: Catalogue = {
  INIT_COMMONJS: {
    title: 'The folder holds code of another module system',
    meaning:
      'Job files are ES modules. The package.json here says `"type": "commonjs"` and there is code that relies on it.',
    causes: ['`init` was asked to write into an existing CommonJS project.'],
    remedies: ['Give the jobs a folder of their own: `batchwright init jobs-project`.'],
    example: {
      message:
        'expected a folder whose package.json says "type": "module" or nothing, found "commonjs", with code in it: /home/ann/shop',
      remedy: 'batchwright init billing',
    },
  },
  INIT_FILES_EXIST: {
    title: 'Files of these names are there already',
    meaning: '`init` writes new files only. Nothing was written over, and nothing was written.',
    causes: ['The project was made before.', 'The folder has files of its own with such names.'],
    remedies: ['Name another folder: `batchwright init FOLDER`.', 'Or move the files away that the message names.'],
    example: {
      message: 'expected to make new files in /home/ann/billing, found other ones of these names there: jobs/orders.ts',
      remedy: 'batchwright init billing2',
    },
  },
  INIT_PACKAGE_INVALID: {
    title: 'The package.json here cannot be read',
    meaning: '`init` adds to the package.json of the folder, and it is no JSON object.',
    causes: ['A comma too many, or a comment.'],
    remedies: ['Mend the file, or move it away: `init` then writes one.'],
    example: {
      message: 'expected package.json to be a JSON object, found that it is none: Unexpected token } in JSON',
      remedy: 'npx prettier --check package.json',
    },
  },
  INSTALLATION_INCOMPLETE: {
    title: 'Parts of Batchwright are missing',
    meaning: 'Files that belong to the package are not where they should be.',
    causes: ['An installation that was interrupted.', 'A tool that bundles or prunes node_modules.'],
    remedies: ['Install it anew: `npm install batchwright`.'],
    example: {
      message: 'expected the templates of new projects beside node_modules/batchwright/dist, found none',
      remedy: 'npm install batchwright',
    },
  },
  INSPECT_PORT_INVALID: {
    title: 'The debugger cannot listen there',
    meaning: '`--inspect` takes a port, or a host and a port, on which the debugger may listen.',
    causes: ['A number above 65535, or a word.', 'An address that this machine does not have.'],
    remedies: ['`--inspect` alone takes the usual port; `--inspect=0` a free one.'],
    example: {
      message: 'expected a port (0 to 65535) or host:port for the debugger, found "99999"',
      remedy: 'batchwright run orders --window 2026-03-01 --inline --inspect',
    },
  },
  INSPECT_PORT_IN_USE: {
    title: 'Another process listens on the port of the debugger',
    meaning: 'A debugger can only listen on a port that nobody else listens on.',
    causes: ['Another run under the debugger, or a Node program that is being debugged.'],
    remedies: ['End it, or choose another port: `--inspect=0` takes a free one.'],
    example: {
      message: 'the debugger cannot listen on 127.0.0.1:9229: another process does',
      remedy: 'batchwright run orders --window 2026-03-01 --inline --inspect=0',
    },
  },
  TASK_UNKNOWN: {
    title: 'No such task',
    meaning: 'The run has no such step, or the step no such partition.',
    causes: ['Partitions are numbered from 0.', 'The step has not been planned yet.'],
    remedies: ['`batchwright show RUN` lists the steps, and how many partitions each has.'],
    example: {
      message: 'step clean of orders 2026-03-01 has no partition 4',
      remedy: 'batchwright debug latest/clean/0',
    },
  },
  DEBUG_INPUT_GONE: {
    title: 'What the task read is not there any more',
    meaning: 'A task is debugged on the very records that it read. They are gone, or are not what they were.',
    causes: [
      'The input files were changed or moved. Records between steps, which go when a run has succeeded, are made again from these files.',
      'Records between the steps of a run that has not succeeded were removed or changed by hand.',
    ],
    remedies: [
      'Bring the files back as they were.',
      'Dead letters keep their text: `batchwright dead-letters debug ID`.',
    ],
    example: {
      message:
        'what step clean handed to sum/0 is not kept any more, and cannot be made again: in/2026-03-01.csv has changed since it was planned',
      remedy: 'batchwright dead-letters debug ID',
    },
  },
  DEBUG_NEEDS_SERVICES: {
    title: 'The records that the task read can only be made again with a service',
    meaning:
      'Records between steps go when a run has succeeded. To debug a step that read them, the steps before it are worked through again; one of them uses a service, and services are off while debugging.',
    causes: ['A step before the one that is debugged has `.use({ ... })`.'],
    remedies: [
      'Open it for real with `--services`: what it does outside happens again, for every record of the partitions that are needed.',
      'Or test the step by itself: `testStep(...)` takes records.',
    ],
    example: {
      message:
        'what step price handed to sum/0 is not kept any more, and to make it again takes the service rates: services are off while debugging, like sinks',
      remedy: 'batchwright debug latest/sum/0 --services',
    },
  },
  DEBUG_STEP_BEFORE_FAILED: {
    title: 'A step before the one that is debugged fails',
    meaning:
      'The steps before are worked through again for the records that they handed on. One of them did not come to its end, as it did in the run.',
    causes: [
      'With `--code current`: the job file as it is now fails on these records, or exceeds a limit.',
      'The code depends on something outside: the clock, chance, a service, the environment.',
    ],
    remedies: ['Debug that step by itself; the hint has the command.', 'Leave `--code current` out.'],
    example: {
      message: 'latest/clean/0, which latest/sum/0 reads, fails as it is worked through again: no such order',
      remedy: 'batchwright debug latest/clean/0',
    },
  },
  DEBUG_NOT_POSSIBLE: {
    title: 'This task cannot be debugged with its sinks off',
    meaning: 'A query has no code to step through; what a function step does cannot be done without doing it.',
    causes: [
      'The task is of a `sql` or `function` step.',
      'With `--code current`: a step before it is planned otherwise than in the run, so that the records that went cannot be made again.',
    ],
    remedies: [
      'Stop at its breakpoints in a real run: `batchwright rerun JOB --inline --inspect-brk`.',
      'Leave `--code current` out.',
    ],
    example: {
      message: 'step notify is a function: what it does cannot be done without doing it',
      remedy: 'batchwright rerun invoices --inline --inspect-brk',
    },
  },
  RECORD_NOT_FOUND: {
    title: 'The task has no such record',
    meaning: '`--record N` names a record by its number in the source. This task has not read one of that number.',
    causes: [
      'The record lies in another partition.',
      'Records are numbered from 1; headers and blank lines are not counted.',
    ],
    remedies: ['The dead letter, or the error, names the partition and the record.'],
    example: { message: 'latest/clean/0 has no record 4711', remedy: 'batchwright dead-letters show ID' },
  },
  SERVICE_OFF: {
    title: 'Services are off while debugging',
    meaning: 'A replay with its sinks off changes nothing outside. The code used a service, which might.',
    causes: ['`process` calls a service for each record.'],
    remedies: [
      'Open it for real with `--services`: what it does outside happens.',
      'Or test that part with a fake: `testStep(...)` takes `services`.',
    ],
    example: {
      message: 'step send used the service smtp (sendMail): services are off while debugging, like sinks',
      remedy: 'batchwright debug latest/send/0 --services',
    },
  },
}
