import { expect, expectTypeOf, test } from 'vitest'
import { contract, dataset, field, job, jsonl, record, service } from '../index.ts'
import { assertDead, assertWritten, fakeService, runInMemory, testStep } from './index.ts'

interface Mailer {
  send(to: string, text: string): Promise<{ readonly id: string }>
  count(): number
  readonly host: string
}

const smtp = service('smtp', {
  open: (): Mailer => ({ send: () => Promise.reject(new Error('real')), count: () => 0, host: '' }),
})
const row = record({ to: field.text() })
const people = dataset('people', { files: 'people', format: jsonl(), contract: contract(1, row) })
const sent = dataset('sent', {
  location: 'out/sent',
  format: jsonl(),
  contract: contract(1, record({ id: field.text() })),
})
const invite = job('invite', {}, (steps) => {
  steps
    .records('send')
    .read(people)
    .use({ mail: smtp })
    .process((person, { use }) => use.mail.send(person.to, 'come'))
    .retry({ attempts: 2 })
    .write(sent)
})

test('a fake has the service’s type, records its calls and what they gave', async () => {
  const mail = fakeService(smtp, { send: (to) => Promise.resolve({ id: `id-${to}` }) })
  expectTypeOf(mail.client).toEqualTypeOf<Mailer>()
  // @ts-expect-error -- the service sends no letters
  fakeService(smtp, { sendLetter: () => undefined })
  const { run } = await runInMemory(invite, { inputs: { people: [{ to: 'ann' }] }, services: { smtp: mail.client } })
  expect(run.state).toBe('succeeded')
  expect(mail.calls).toEqual([{ name: 'send', arguments: ['ann', 'come'], result: { id: 'id-ann' }, error: undefined }])
})

test('a fault on the n-th call is retried where it is passing, and lasts where it is not', async () => {
  const mail = fakeService(smtp, { send: (to) => Promise.resolve({ id: to }) })
  mail.failOn('send', 1)
  assertWritten(await testStep(invite, 'send', { to: 'ann' }, { services: { smtp: mail.client } }), { id: 'ann' })
  expect(mail.callsOf('send')).toMatchObject([{ error: { code: 'FAULT_INJECTED' } }, { result: { id: 'ann' } }])
  mail.reset()
  mail.failOn('send', 1, new TypeError('no such address'))
  assertDead(await testStep(invite, 'send', { to: 'ann' }, { services: { smtp: mail.client } }), 'USER_ERROR')
  expect(mail.calls).toHaveLength(1)
})

test('what a fake was not given fails by its name when it is used', () => {
  const mail = fakeService(smtp, { host: 'localhost' })
  expect(mail.client.host).toBe('localhost')
  expect(() => mail.client.count()).toThrow(
    expect.objectContaining({ code: 'FAKE_INCOMPLETE', details: { service: 'smtp', name: 'count' } }),
  )
})
