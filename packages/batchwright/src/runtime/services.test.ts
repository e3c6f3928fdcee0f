import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { noRules, type ServiceDefinition } from '../job/index.ts'
import { systemClock } from '../kernel/clock.ts'
import { Redactor } from '../observe/index.ts'
import { Gate } from './fleet/gate.ts'
import { FleetLine } from './fleet/line.ts'
import { readSecret } from './secrets.ts'
import { ServicePool } from './services.ts'

let folder: string
let file: string
let events: string[]
let warnings: string[]

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'batchwright-services-'))
  file = path.join(folder, 'token')
})

afterAll(async () => {
  await rm(folder, { recursive: true })
})

beforeEach(async () => {
  events = []
  warnings = []
  await writeFile(file, 'first token\n')
})

const warn = (message: string): void => {
  warnings.push(message)
}

function bank(parts: Partial<ServiceDefinition> = {}): ServiceDefinition {
  return {
    name: 'bank',
    secrets: ['TOKEN'],
    openWithinMs: 1000,
    closeWithinMs: 1000,
    rules: noRules('bank'),
    countsAgainst: null,
    probe: null,
    open: ({ secrets }) => {
      events.push(`open ${String(secrets['TOKEN'])}`)
      return secrets['TOKEN']
    },
    close: (client) => {
      events.push(`close ${String(client)}`)
    },
    ...parts,
  }
}

function pool(redactor = new Redactor()): ServicePool {
  return new ServicePool({ TOKEN_FILE: file }, redactor, new Gate(new FleetLine(), systemClock))
}

describe('a secret', () => {
  const read = (environment: Readonly<Record<string, string>>) => readSecret('TOKEN', environment, 'service bank')

  test('is a variable of the environment, or the file that one names, without the newline at its end', async () => {
    expect(await read({ TOKEN: 'of the environment' })).toBe('of the environment')
    expect(await read({ TOKEN_FILE: file })).toBe('first token')
  })

  test.each([
    ['neither is set', () => ({}), 'SECRET_MISSING', 'TOKEN_FILE'],
    ['both are set', () => ({ TOKEN: 'a', TOKEN_FILE: file }), 'SECRET_AMBIGUOUS', 'found both'],
    ['the file is not there', () => ({ TOKEN_FILE: path.join(folder, 'none') }), 'SECRET_UNREADABLE', 'none'],
  ])('is refused where %s, by its name and whom it is for', async (_, environment, code, said) => {
    const refused = expect.objectContaining({ code, message: expect.stringContaining(said) as string }) as object
    await expect(read(environment())).rejects.toEqual(refused)
    await expect(read(environment())).rejects.toThrow(/^service bank: .*TOKEN/)
  })
})

describe('an open service', () => {
  test('stays open while its secret is the same, and is opened anew when it has changed', async () => {
    const services = pool()
    const used = await services.use(new Map([['bank', bank()]]), warn)
    const { clients } = used
    await used.renew()
    expect(events).toEqual(['open first token'])
    await writeFile(file, 'second token\n')
    await Promise.all([used.beforeRetry(), used.beforeRetry()])
    expect(clients['bank']).toBe('second token')
    // The first is still in the hands of calls that are under way.
    expect(events).toEqual(['open first token', 'open second token'])
    await services.closeReplaced(warn)
    expect(events.at(-1)).toBe('close first token')
    await services.close()
    expect(events.at(-1)).toBe('close second token')
    expect(events).toHaveLength(4)
  })

  test('goes on with the client it has where the new secret does not open, and says so', async () => {
    const services = pool()
    const refusing = bank({
      open: ({ secrets }) => {
        if (secrets['TOKEN'] === 'wrong') throw new Error('wrong is not a token')
        return secrets['TOKEN']
      },
    })
    const used = await services.use(new Map([['bank', refusing]]), warn)
    await writeFile(file, 'wrong')
    await used.renew()
    expect(used.clients['bank']).toBe('first token')
    expect(warnings).toEqual([expect.stringMatching(/^going on with the client that is open: service bank/)])
    await rm(file)
    await used.renew()
    expect(warnings[1]).toContain('TOKEN_FILE')
    await services.close()
  })

  test('that hangs or fails at its end keeps nobody waiting, and keeps no other open', async () => {
    const services = pool()
    const stuck = bank({
      name: 'stuck',
      secrets: [],
      closeWithinMs: 20,
      close: () => new Promise<void>(() => undefined),
    })
    const failing = bank({ name: 'failing', secrets: [], close: () => Promise.reject(new Error('no')) })
    await services.use(
      new Map([
        ['a', bank()],
        ['b', stuck],
        ['c', failing],
      ]),
      warn,
    )
    await expect(services.close()).rejects.toMatchObject({
      errors: [{ message: 'no' }, { message: 'service stuck: its close() took longer than 20 ms' }],
    })
    expect(events.at(-1)).toBe('close first token')
  })
})

describe('a service that does not open', () => {
  test('names itself and its secrets, says no value, and is worth another try', async () => {
    const services = pool()
    const refused = bank({
      open: ({ secrets }) => Promise.reject(new Error(`login with ${String(secrets['TOKEN'])} refused`)),
    })
    await expect(services.use(new Map([['bank', refused]]), warn)).rejects.toMatchObject({
      code: 'SERVICE_NOT_OPENED',
      message: 'service bank (opened with TOKEN): its open() failed: login with [secret TOKEN] refused',
      retryable: true,
    })
    // The next attempt tries again.
    await expect(services.use(new Map([['bank', bank()]]), warn)).resolves.toBeDefined()
    await services.close()
  })

  test('in time is given up; the client that comes too late is closed', async () => {
    const services = pool()
    const late = Promise.withResolvers<string>()
    const slow = bank({ openWithinMs: 20, open: () => late.promise })
    await expect(services.use(new Map([['bank', slow]]), warn)).rejects.toThrow(/it took longer than 20 ms/)
    late.resolve('late')
    await late.promise
    await new Promise(setImmediate)
    expect(events).toEqual(['close late'])
    await services.close()
    expect(events).toHaveLength(1)
  })
})

describe('the redactor', () => {
  test('knows a secret as JSON writes it, in a URL, and each line of a key; the longest first', () => {
    const redactor = new Redactor()
    redactor.hide('p"ss w/rd', 'PASSWORD')
    redactor.hide('-----BEGIN KEY-----\nabcdefghijklmnopqrstuvwxyz\n', 'KEY')
    redactor.hide('p"ss w/rd and more', 'LONGER')
    expect(redactor.text('postgres://me:p%22ss%20w%2Frd@host')).toBe('postgres://me:[secret PASSWORD]@host')
    expect(redactor.text(JSON.stringify({ a: 'p"ss w/rd' }))).toBe('{"a":"[secret PASSWORD]"}')
    expect(redactor.text('line 2: abcdefghijklmnopqrstuvwxyz')).toBe('line 2: [secret KEY]')
    expect(redactor.text('p"ss w/rd and more')).toBe('[secret LONGER]')
    expect(redactor.holds({ deep: [{ a: 'x p"ss w/rd' }] })).toBe(true)
    expect(redactor.holds({ deep: [{ a: 'x' }] })).toBe(false)
  })
})
