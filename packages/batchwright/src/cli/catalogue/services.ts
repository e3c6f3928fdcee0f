import type { Catalogue } from './entry.ts'

/** Services under limits, effects outside, records sent to an address. */
export const SERVICES: Catalogue = {
  HTTP_SINK_INVALID: {
    title: 'http() was given something else',
    meaning: 'An option of `http({ ... })` is missing, or is not what it has to be.',
    causes: [
      'A mistyped address: it must begin with `http://` or `https://`.',
      'A function of one record beside `batch`.',
    ],
    remedies: ['Change what the message names in the job file.', 'Run `batchwright check`.'],
    example: {
      message: `http() url: expected an http or https address, found "crm.example/contacts"`,
      remedy: `url: 'https://crm.example/contacts'`,
    },
  },
  HTTP_REFUSED: {
    title: 'The other side refused a record',
    meaning:
      'An address answered with a status below 500 that is no success, and does so however often it is asked. The record became a dead letter; of a request of many the records to blame were found by halving.',
    causes: [
      'The record breaks a rule of the other side.',
      'What `body` makes of it is not what the other side expects.',
      'A token that is not accepted (401, 403): then every record is refused.',
    ],
    remedies: [
      '`batchwright dead-letters list RUN` shows the records, and what was answered.',
      'Mend what `process` or `body` makes of them, or reject them by a rule; then `batchwright dead-letters replay RUN`.',
    ],
    example: {
      message: `POST https://crm.example/contacts: expected a status from 200 to 299, found 422: {"mail":"missing"}`,
      remedy: `if (person.mail === null) return reject('no_mail')`,
    },
  },
  HTTP_FAILED: {
    title: 'The other side failed, or could not be reached',
    meaning:
      'An address answered with 5xx (or 408, 425, 429 without Retry-After), or the connection broke. It was tried again by the step’s retry policy, in vain.',
    causes: ['The other side is down, or overloaded.', 'The network between.'],
    remedies: [
      'See whether it is back: `batchwright services` shows what the fleet thinks of it.',
      '`batchwright retry RUN` goes on from the last checkpoint, with the same idempotency keys.',
    ],
    example: {
      message: 'POST https://crm.example/contacts: expected a status from 200 to 299, found 503',
      remedy: 'batchwright retry latest',
    },
  },
  HTTP_TIMEOUT: {
    title: 'No answer in time',
    meaning:
      'A request was sent, and its answer was not there, whole, within the sink’s timeout. It may have been taken all the same: with an idempotency key the other side knows it when it comes again.',
    causes: ['The other side is slow.', 'Requests of very many records.'],
    remedies: ['Give `timeout` more, or `batch` less, in `http({ ... })`.', '`batchwright retry RUN` goes on.'],
    example: {
      message: 'POST https://crm.example/contacts: expected an answer within 30000 ms, found none',
      remedy: `http({ ..., timeout: '2min' })`,
    },
  },
  HTTP_REDIRECTED: {
    title: 'The address sends somewhere else',
    meaning:
      'A redirect was answered that is not followed: to another host, in a circle, or one (301, 302, 303) that would turn the request into another.',
    causes: ['The address has moved.', '`http` in place of `https`.'],
    remedies: [
      'Write the address that the message names into the job file, if it is the right one.',
      'Type `batchwright retry RUN`.',
    ],
    example: {
      message:
        'POST http://crm.example/contacts: expected an answer, found a redirect (308) to https://crm.example/contacts',
      remedy: `url: 'https://crm.example/contacts'`,
    },
  },
  ATTEMPT_POSTPONED: {
    title: 'The attempt waits for something outside',
    meaning:
      'A service is left alone for the moment, or an effect waits for an answer. What your function sees of it is this error: let it pass. The attempt ends at its last commit, uses up none of its tries, and the task is taken up again later.',
    causes: [
      'The breaker of a service is open.',
      'A service asked to be left alone.',
      'An effect is in doubt, and a person is asked.',
    ],
    remedies: [
      '`batchwright services` and `batchwright effects list` show what is waited for.',
      'Do not catch it in `process`; where you catch everything, throw it on.',
    ],
    example: {
      message: 'the attempt was stopped: postponed',
      remedy: 'batchwright services',
    },
  },
  RETRY_BUDGET_SPENT: {
    title: 'The run needs more retries than it may make',
    meaning:
      "With `retryBudget: { beyond: 'fail' }` a run fails when its tasks fail faster than the budget lets them be tried again. The cause says what the last of them failed with.",
    causes: ['What all tasks need is down: a database, a disk, a service.'],
    remedies: [
      '`batchwright explain RUN` shows what failed, and how often.',
      'When it is mended: `batchwright retry RUN`; what is done is kept.',
      "Or let retries wait for their turn: `retryBudget: { beyond: 'wait' }`.",
    ],
    example: {
      message: `expected the run's retries to stay within its budget of 50 in 1000 ms; they do not, and the last failed with ECONNREFUSED: connect ECONNREFUSED`,
      remedy: 'batchwright retry latest',
    },
  },
  EFFECT_INVALID: {
    title: 'once() was given no key, or no policy',
    meaning:
      'An effect needs a key of 1 to 500 characters, and says what happens where nobody knows whether it took place.',
    causes: ['`inDoubt` was left out.', 'A key made of a field that is null or missing.'],
    remedies: ["Write `once(key, effect, { inDoubt: 'skip' | 'repeat' | 'ask' })`."],
    example: {
      message: 'once: expected a key and a policy, found once("mail/7") without inDoubt',
      remedy: "once(`mail/${id}`, () => use.smtp.send(mail), { inDoubt: 'ask' })",
    },
  },
  EFFECT_OUTCOME_LARGE: {
    title: 'An effect gave too much to be kept',
    meaning:
      'What an effect returns is kept in the store for later runs: at most 16 KiB of JSON. The effect took place, and is in doubt now.',
    causes: ['The whole answer of the other side is returned.'],
    remedies: [
      'Return what names the result, as `{ id: answer.id }`.',
      '`batchwright effects list` shows what is in doubt.',
    ],
    example: {
      message: 'once("mail/7"): expected an outcome of at most 16384 bytes, found 80211',
      remedy: 'return { id: answer.id }',
    },
  },
  EFFECT_UNKNOWN: {
    title: 'There is no such effect',
    meaning: 'The store knows no effect of that key.',
    causes: ['A mistyped key.', 'A key that is known in several places: `--scope` says which.'],
    remedies: ['`batchwright effects list --all` lists them.'],
    example: {
      message: 'expected an effect mail/77 of job mailing, found none',
      remedy: 'batchwright effects list --all',
    },
  },
  EFFECT_SETTLED: {
    title: 'Nothing needs to be said of this effect',
    meaning: 'It is not in doubt: it has an outcome, it was answered before, or an attempt is at it now.',
    causes: ['Somebody else was first.', 'The worker that was thought dead has come back and said what happened.'],
    remedies: ['`batchwright effects list --all` shows how it stands.'],
    example: {
      message: 'expected effect mail/7 of job mailing to be in doubt, found it done',
      remedy: 'batchwright effects list --all',
    },
  },
}
