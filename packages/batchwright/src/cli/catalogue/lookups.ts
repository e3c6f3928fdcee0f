import type { Catalogue } from './entry.ts'

/** Lookups, and files that steps write. */
export const LOOKUPS: Catalogue = {
  LOOKUP_INVALID: {
    title: 'A lookup that cannot be one',
    meaning: 'A lookup is a dataset of rows and the fields that it is asked by: `lookup(customers, { by: "id" })`.',
    causes: [
      'A field that the contract does not have.',
      'Something that is no dataset.',
      'A limit that cannot be read.',
    ],
    remedies: ['Mend the call that is shown; the hint says what it takes.'],
    example: {
      message: 'lookup("customers") by: there is no field "ident" in the contract',
      remedy: "lookup(customers, { by: 'id' })",
    },
  },
  LOOKUP_DUPLICATE: {
    title: 'A lookup has two rows for one key',
    meaning: 'Which of the two is meant is not known, so nothing is guessed.',
    causes: ['A row was delivered twice.', 'The key has one field too few.'],
    remedies: [
      'Mend the data, then `batchwright rerun JOB --window WINDOW`.',
      "Or say what several rows mean: `lookup(customers, { by: 'id', duplicates: 'last' })`.",
    ],
    example: {
      message:
        'lookup customers: expected one row of dataset customers for each id, found a second one for C-17: record 12 of in/customers.csv',
      remedy: "lookup(customers, { by: 'id', duplicates: 'last' })",
    },
  },
  LOOKUP_RECORD_INVALID: {
    title: 'A row of a lookup breaks its contract',
    meaning: 'A lookup must be whole: a row that is left out would look like a customer who does not exist.',
    causes: ['The data is wrong, or the contract too strict.'],
    remedies: [
      'Mend the data, then `batchwright rerun JOB --window WINDOW`; or the contract, then `batchwright retry RUN`.',
    ],
    example: {
      message:
        'lookup customers: record 12 of in/customers.csv does not meet its contract: column country: expected text, found a blank',
      remedy: 'country: field.text().optional()',
    },
  },
  LOOKUP_KEY_INVALID: {
    title: 'A lookup was asked with too few or too many values',
    meaning: '`get` takes one value for each field that the lookup is asked by, in their order.',
    causes: ['A field was added to `by`, and the calls were not changed.'],
    remedies: ['Give one value for each field.'],
    example: {
      message: 'lookup prices: expected the values of article, day, found 1 values',
      remedy: 'use.prices.get(line.article, line.day)',
    },
  },
  LOOKUP_TOO_LARGE: {
    title: 'A lookup is larger than it may be',
    meaning:
      'Every slot holds the whole lookup in memory, at several times its size on disk. Its limits keep a run from failing half way.',
    causes: ['The dataset has grown.', 'A dataset that is no lookup: orders, lines, events.'],
    remedies: [
      'Raise `limit` or `rows` of the lookup, and give slots more memory: `--slot-memory 1GB`.',
      'Or bring the two together by key, in a reduce or sql step.',
    ],
    example: {
      message: 'step rate, lookup customers: expected dataset customers to have at most 64MB, found 212MB',
      remedy: "lookup(customers, { by: 'id', limit: '256MB' })",
    },
  },
  FILE_NAME_INVALID: {
    title: 'A name that a file cannot have',
    meaning:
      'A step that writes files names each within its dataset: relative, folders divided by `/`, nothing that leads out of it.',
    causes: ['The name begins with `/` or holds `..`.', 'A name from the data that was not cleaned.'],
    remedies: ['Make the name from fields that you know: an id, a date.'],
    example: {
      message: 'expected the name of a file inside its dataset, found "../a.png": it leads out of it',
      remedy: "files.thumbs.write(order.id + '.png', bytes)",
    },
  },
  FILE_NAME_TWICE: {
    title: 'Two files of one name',
    meaning: 'Each file of a version has a name of its own; a second one would replace the first without a word.',
    causes: ['The name does not hold what tells the records apart.'],
    remedies: ["Put the record's key into the name."],
    example: {
      message: 'files.thumbs.write("a.png"): the same call has written a file of this name already',
      remedy: "files.thumbs.write(order.id + '/a.png', bytes)",
    },
  },
  FILE_TOO_LATE: {
    title: 'A file was written after its record was done',
    meaning: 'What a record writes belongs to it: its fate is decided when `process` returns.',
    causes: ['A promise that was not awaited.'],
    remedies: ['Await all that writes files before `process` returns.'],
    example: {
      message:
        'files.thumbs.write("a.png"): expected to be called while its record is worked on, was called after that',
      remedy: "await files.thumbs.write('a.png', bytes)",
    },
  },
  FILE_UNKNOWN: {
    title: 'No such file in this version',
    meaning: 'The published version of the dataset has no file of this name, or it has rows and no files.',
    causes: ['The name is mistyped.', 'The file is in another window or version.'],
    remedies: ['`batchwright datasets cat NAME` prints what there is.'],
    example: {
      message: 'dataset thumbs, version 1: there is no file "a.pgn" among its 12',
      remedy: 'batchwright datasets cat thumbs',
    },
  },
}
