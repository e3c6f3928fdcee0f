/** What a records step does where staged output or input is gone or changed, and with secrets. */
import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { noRules, type ServiceDefinition } from '../../job/index.ts'
import { ANY, distinct, process, room, run, runToFailure } from '../fixtures/rate-step.ts'
import { linesCsv, rate } from '../fixtures/retail.ts'
import { CollectingPort, failure, finished } from '../fixtures/room.ts'

const SERVICE = {
  name: 'tax',
  openWithinMs: 1000,
  closeWithinMs: 1000,
  close: null,
  rules: noRules('tax'),
  countsAgainst: null,
  probe: null,
}

describe('what is gone, changed or secret', () => {
  test('where staged output is gone the partition starts again from its beginning', async () => {
    await using here = await room({ operations: [process(rate), distinct()] }, linesCsv(100))
    const partition = await here.only('rate')
    const port = new CollectingPort({ stopAfter: { checkpoint: 2, reason: 'preempted' } })
    await here.attempt('rate', partition, null, port)
    await rm(path.join(here.folders.project, 'out'), { recursive: true })
    const again = new CollectingPort()
    const outcome = await here.outcome(finished(await here.attempt('rate', partition, port.checkpoints.at(-1), again)))
    expect(outcome).toEqual(await run({ operations: [process(rate), distinct()] }, linesCsv(100)))
    expect(again.lines[0]?.message).toContain('starting the partition again')
    expect(again.checkpoints[0]?.sequence).toBeGreaterThan(port.checkpoints.at(-1)?.sequence ?? Infinity)
  })

  test('an input that changed after it was planned fails the attempt', async () => {
    await using here = await room({}, linesCsv(100))
    const partition = await here.only('rate')
    await here.write('lines.csv', linesCsv(100).replace('INV7', 'INV8'))
    expect(failure(await here.attempt('rate', partition)).code).toBe('INPUT_CHANGED')
  })

  test('a service is opened once for a slot and closed with it; its secret stays out of errors, logs and dead letters', async () => {
    const events: string[] = []
    const tax: ServiceDefinition = {
      ...SERVICE,
      secrets: ['TOKEN'],
      open: ({ secrets }) => {
        events.push('open')
        return secrets['TOKEN']
      },
      close: () => {
        events.push('close')
      },
    }
    const operations = [
      process((_, context) => {
        context.log('info', `using ${String(context.use['tax'])}`)
        throw new Error(`refused: ${String(context.use['tax'])}`)
      }),
    ]
    const services = new Map([['tax', tax]])
    const here = await room({ operations, services, skip: ANY }, linesCsv(1))
    const partition = await here.only('rate')
    const port = new CollectingPort()
    await here.attempt('rate', partition, null, port)
    const outcome = await here.outcome(finished(await here.attempt('rate', partition, null, port)))
    await here[Symbol.asyncDispose]()
    expect(events).toEqual(['open', 'close'])
    expect(JSON.stringify([outcome.deadLetters, port.lines])).not.toContain('hunter2')
    expect(outcome.deadLetters[0]?.message).toBe('refused: [secret TOKEN]')
  })

  test('a secret that is not set is named, and no attempt is spent on hoping', async () => {
    const tax: ServiceDefinition = { ...SERVICE, secrets: ['OTHER'], open: () => 1 }
    const error = await runToFailure({ services: new Map([['tax', tax]]) }, linesCsv(1))
    expect(error).toMatchObject({ code: 'SECRET_MISSING', retryable: false, details: { secret: 'OTHER' } })
  })

  test('a failed attempt leaves no part sealed', async () => {
    await using here = await room({ operations: [process(() => 1)] }, linesCsv(5))
    failure(await here.attempt('rate', await here.only('rate')))
    const staged = await readdir(path.join(here.folders.project, 'out'), { recursive: true }).catch(() => [])
    expect(staged.filter((name) => name.endsWith('.jsonl'))).toEqual([])
  })
})
