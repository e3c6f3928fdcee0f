import {
  contract,
  dataset,
  field,
  http,
  job,
  jsonl,
  record,
  service,
  type HttpSink,
} from '../../packages/batchwright/src/index.ts'
import type { JobDefinition } from '../../packages/batchwright/src/job/index.ts'

const row = record({ id: field.integer() })
const people = dataset('people', { files: 'people/*.jsonl', format: jsonl(), contract: contract(1, row) })
export interface Person {
  readonly id: number
}

/** What a process of these tests is told, as JSON. */
export interface JobSettings {
  readonly job: 'send' | 'rated' | 'effects'
  readonly url: string
  readonly batch?: number
  readonly inDoubt?: 'skip' | 'repeat' | 'ask'
  readonly header?: string | null
}

/** Small chunks that commit at once: a crash between two of them is what is looked at. */
const AT_ONCE = { chunk: 10, everyChunks: 1 } as const

export function jobOf(settings: JobSettings): JobDefinition {
  switch (settings.job) {
    case 'send':
      return sending(settings)
    case 'rated':
      return rated(settings)
    case 'effects':
      return withEffects(settings)
  }
}

function sending({ url, batch = 1, header = 'Idempotency-Key' }: JobSettings): JobDefinition {
  const api = service('api', {
    breaker: { calls: 5, open: '200ms', longest: '400ms', window: '5s' },
    limits: { concurrency: 4 },
    open: () => ({ headers: { authorization: 'Bearer hunter2-secret' } }),
  })
  const shared = { service: api, url, ...(header === null ? {} : { idempotencyKey: header }), timeout: '5s' } as const
  const sink: HttpSink<Person> = batch === 1 ? http<Person>(shared) : http<Person>({ ...shared, batch })
  return job('sending', {}, (steps) => {
    steps
      .records('send')
      .read(people)
      .process((person) => person)
      .commit(batch === 1 ? AT_ONCE : { chunk: 50, everyChunks: 1 })
      .skip('50%')
      .retry({ attempts: 6, backoff: { first: '50ms', max: '200ms' } })
      .write(sink)
  })
}

/** Each request says when it left, by the clock that all processes of a host share. */
function rated({ url }: JobSettings): JobDefinition {
  const api = service('rated', {
    limits: { rate: '50/s' },
    open: ({ call }) => ({
      send: (id: number) =>
        call(async (signal) => {
          const headers = { 'x-left': String(process.hrtime.bigint()), 'idempotency-key': String(id) }
          const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ id }), signal })
          await answer.arrayBuffer()
        }),
    }),
  })
  return job('rated', {}, (steps) => {
    steps
      .records('send')
      .read(people)
      .use({ api })
      .process(
        async ({ id }, { use }) => {
          await use.api.send(id)
          return { id }
        },
        { concurrency: 20 },
      )
      .partition('file')
  })
}

function withEffects({ url, inDoubt = 'repeat' }: JobSettings): JobDefinition {
  return job('effects', {}, (steps) => {
    steps
      .records('mail')
      .read(people)
      .process(
        async ({ id }, { once }) => {
          const sent = await once(
            `mail/${String(id)}`,
            async () => {
              const headers = { 'idempotency-key': String(id) }
              const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ id }) })
              await answer.arrayBuffer()
              return { status: answer.status }
            },
            { inDoubt },
          )
          return { id, sent }
        },
        { concurrency: 5 },
      )
      .commit(AT_ONCE)
      .retry({ attempts: 3, backoff: { first: '20ms' } })
  })
}
