import type { Catalogue } from './entry.ts'

/** What was typed on the command line. */
export const TYPING: Catalogue = {
  JOB_UNKNOWN: {
    title: 'No job of this name',
    meaning: 'The project has no job that is called so. Nothing was started.',
    causes: [
      'The name is mistyped.',
      'The job file does not lie where jobs are looked for: `jobs/`, or the globs of `batchwright.config.json`.',
      'The job file has no default export.',
    ],
    remedies: ['List the jobs there are: `batchwright jobs`.', 'Name the project, if it is another: `--project DIR`.'],
    example: {
      output: ['error: no job is called "biling"', '  hint  did you mean "billing"?', '  code  JOB_UNKNOWN'].join('\n'),
      remedy: 'batchwright run billing --window 2011-01',
    },
  },
}
