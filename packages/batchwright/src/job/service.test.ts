import { expect, expectTypeOf, test } from 'vitest'
import { job, service } from '../index.ts'

const mail = service('mail', {
  secrets: ['SMTP_USER', 'SMTP_PASSWORD'],
  open: ({ secrets }) => {
    expectTypeOf(secrets.SMTP_USER).toEqualTypeOf<string>()
    // @ts-expect-error -- a secret that is not named is not read
    expect(secrets.SMTP_HOST).toBeUndefined()
    return { send: (to: string) => `${secrets.SMTP_USER} to ${to}` }
  },
  close: (client) => {
    expectTypeOf(client.send).returns.toEqualTypeOf<string>()
  },
  closeWithin: '1min',
})

/** The type of the client may be said outright; the names of its secrets are then any. */
const said = service<{ send(to: string): string }>('said', {
  secrets: ['SMTP_USER'],
  open: ({ secrets }) => ({ send: (to) => `${secrets['SMTP_USER'] ?? ''} to ${to}` }),
})

test('a service whose client is named outright may have secrets', () => {
  expect(said.secrets).toEqual(['SMTP_USER'])
})

test('a service knows the secrets it reads, and steps know its client', () => {
  const defined = job('mailing', {}, (steps) => {
    steps.function('send', { use: { mail } }, ({ use }) => {
      expectTypeOf(use.mail.send('a')).toEqualTypeOf<string>()
    })
  })
  const [step] = defined.steps
  expect(step?.services.get('mail')).toMatchObject({
    name: 'mail',
    secrets: ['SMTP_USER', 'SMTP_PASSWORD'],
    openWithinMs: 30_000,
    closeWithinMs: 60_000,
  })
})

const open = () => 1

test.each([
  [
    'a value in place of a name',
    () => service('a', { secrets: ['s3cr3t!'], open }),
    'SERVICE_INVALID',
    'Name the secret, not its value',
  ],
  ['a name twice', () => service('a', { secrets: ['A', 'A'], open }), 'SERVICE_INVALID', 'once'],
  ['no list', () => service('a', { secrets: 'A' as never, open }), 'SERVICE_INVALID', "['SMTP_PASSWORD']"],
  ['nothing to open', () => service('a', {} as never), 'SERVICE_INVALID', 'open({ secrets, signal })'],
  ['a close that is no function', () => service('a', { open, close: 1 as never }), 'SERVICE_INVALID', 'close(client)'],
  ['no time to open', () => service('a', { open, openWithin: '0s' }), 'SERVICE_INVALID', 'default'],
  ['a mistyped option', () => service('a', { open, secret: ['A'] } as never), 'UNKNOWN_OPTION', 'secrets'],
  [
    'two services of one name',
    () =>
      job('a', {}, (steps) => {
        steps.function('one', { use: { mail } }, () => null)
        steps.function('two', { use: { mail: service('mail', { open }) } }, () => null)
      }),
    'SERVICE_DUPLICATE',
    'Rename one',
  ],
])('refused at definition: %s', (_, define, code, hint) => {
  let thrown: unknown
  try {
    define()
  } catch (error) {
    thrown = error
  }
  expect(thrown).toMatchObject({ code, hint: expect.stringContaining(hint) as string })
})
