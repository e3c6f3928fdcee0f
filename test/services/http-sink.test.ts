import { describe, expect, test } from 'vitest'
import { Fleet } from './harness.ts'
import type { JobSettings } from './jobs.ts'
import { RecordingServer, type Arrival, type Reply } from './server.ts'

const ALL = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at + 1)

function idOf({ body }: Arrival): number {
  return Number(Reflect.get(Object(body), 'id'))
}

/** Runs the job to its end in one process. */
async function run(
  reply: (arrival: Arrival, number: number) => Reply,
  parts: Partial<JobSettings> = {},
  rows = 60,
): Promise<{
  readonly server: RecordingServer
  readonly ended: unknown
  readonly fleet: Fleet
  readonly runId: string
}> {
  const server = await RecordingServer.start(reply)
  const fleet = await Fleet.open(1, rows)
  const settings: JobSettings = { job: 'send', url: server.url, ...parts }
  const runId = await fleet.submit(settings, 'one')
  return { server, fleet, runId, ended: await fleet.start({ ...settings, runId }).ended }
}

async function close(...opened: readonly AsyncDisposable[]): Promise<void> {
  for (const each of opened) await each[Symbol.asyncDispose]()
}

describe('records sent to an address', () => {
  test('each arrives once, under a key of its own, with the headers of the service', async () => {
    const { server, fleet, ended } = await run(() => ({ status: 204 }))
    expect(ended).toMatchObject({ state: 'succeeded' })
    expect(server.arrivals.map(idOf).sort((a, b) => a - b)).toEqual(ALL(60))
    expect(server.keys).toHaveLength(60)
    expect(server.arrivals[0]?.headers.authorization).toBe('Bearer hunter2-secret')
    await close(fleet, server)
  })

  test('a second run on the same input sends the same keys', async () => {
    const { server, fleet } = await run(() => ({ status: 204 }), {}, 20)
    const first = new Set(server.keys)
    const settings: JobSettings = { job: 'send', url: server.url }
    const runId = await fleet.submit(settings, 'another')
    await fleet.start({ ...settings, runId }).ended
    expect(server.arrivals).toHaveLength(40)
    expect(new Set(server.keys)).toEqual(first)
    await close(fleet, server)
  })

  test('records that are refused become dead letters, and the others arrive', async () => {
    const { server, fleet, ended, runId } = await run((arrival) =>
      idOf(arrival) % 10 === 0 ? { status: 422, body: 'no such thing' } : { status: 200 },
    )
    expect(ended).toMatchObject({ state: 'succeeded' })
    const [step] = await fleet.store.listSteps(runId)
    expect(step?.counters).toMatchObject({ read: 60, written: 54, deadByError: 6, reasons: { HTTP_REFUSED: 6 } })
    await close(fleet, server)
  })

  test('a request of many that is refused is halved, down to the records that are to blame', async () => {
    const poison = new Set([7, 33])
    const ids = ({ body }: Arrival): number[] =>
      Array.isArray(body) ? body.map((each) => idOf({ body: each } as Arrival)) : []
    const taken: number[] = []
    const { server, fleet, ended, runId } = await run(
      (arrival) => {
        const these = ids(arrival)
        if (these.some((id) => poison.has(id))) return { status: 400 }
        taken.push(...these)
        return { status: 200 }
      },
      { batch: 20 },
    )
    expect(ended).toMatchObject({ state: 'succeeded' })
    expect(taken.sort((a, b) => a - b)).toEqual(ALL(60).filter((id) => !poison.has(id)))
    const [step] = await fleet.store.listSteps(runId)
    expect(step?.counters).toMatchObject({ written: 58, deadByError: 2 })
    await close(fleet, server)
  })

  test('errors of the other side and cut connections are tried again, and nothing is missing', async () => {
    const seen = new Map<string, number>()
    const { server, fleet, ended } = await run(({ key }, number) => {
      const tries = (seen.get(key) ?? 0) + 1
      seen.set(key, tries)
      if (tries > 1) return { status: 204 }
      return number % 7 === 0 ? { status: 500 } : number % 11 === 0 ? { status: 0, cut: true } : { status: 204 }
    })
    expect(ended).toMatchObject({ state: 'succeeded' })
    expect(server.keys).toHaveLength(60)
    expect(server.arrivals.length).toBeGreaterThan(60)
    await close(fleet, server)
  })

  test('Retry-After is honoured: nothing is sent before the other side wants more', async () => {
    const times: { readonly at: bigint; readonly status: number }[] = []
    const { server, fleet, ended } = await run((_, number) => {
      const status = number === 15 ? 429 : 204
      times.push({ at: process.hrtime.bigint(), status })
      return { status, ...(status === 429 ? { headers: { 'retry-after': '1' } } : {}) }
    })
    expect(ended).toMatchObject({ state: 'succeeded' })
    expect(server.keys).toHaveLength(60)
    const busy = times.findIndex(({ status }) => status === 429)
    // At most the other three requests that were under way came after it within its second.
    const late = times.filter(({ at }) => at > (times[busy]?.at ?? 0n) && at < (times[busy]?.at ?? 0n) + 950_000_000n)
    expect(late.length).toBeLessThanOrEqual(3)
    await close(fleet, server)
  })

  test('no secret goes to another host by a redirect', async () => {
    const other = await RecordingServer.start()
    const { server, fleet, ended } = await run(
      () => ({ status: 307, headers: { location: `${other.url}/stolen` } }),
      {},
      5,
    )
    expect(ended).toMatchObject({ state: 'failed', failure: 'HTTP_REDIRECTED' })
    expect(other.arrivals).toEqual([])
    await close(fleet, server, other)
  })

  test('the other side dies in mid-run and comes back: tasks wait without using attempts, and all arrives', async () => {
    const server = await RecordingServer.start((_, number) =>
      number === 25 ? { status: 0, cut: true } : { status: 204 },
    )
    await using fleet = await Fleet.open(2, 40)
    const settings: JobSettings = { job: 'send', url: server.url }
    const runId = await fleet.submit(settings, 'one')
    const child = fleet.start({ ...settings, runId, slots: 2 })
    while (server.arrivals.length < 25) await fleet.store.waitForChange(20)
    await server.down()
    while ((await fleet.store.listServices())[0]?.breaker !== 'open') await fleet.store.waitForChange(20)
    await server.up()
    expect(await child.ended).toMatchObject({ state: 'succeeded' })
    expect(server.keys).toHaveLength(80)
    const types = (await fleet.store.listEvents({ after: 0 })).map(({ type }) => type)
    expect(types).toContain('service.opened')
    expect(types).toContain('service.closed')
    await server.down()
  })

  test.each(['http.sent@23=kill', 'loop.sink-committed@3=kill', 'loop.checkpointed@3=kill'])(
    'killed at %s it sends on only what no checkpoint covers, under the same keys',
    async (point) => {
      await using server = await RecordingServer.start()
      await using fleet = await Fleet.open(1, 60)
      const settings: JobSettings = { job: 'send', url: server.url }
      const runId = await fleet.submit(settings, 'one')
      expect(await fleet.start({ ...settings, runId }, point).ended).toBe('killed')
      const before = server.arrivals.length
      const [task] = await fleet.store.listTasks(runId, { kind: 'partition' })
      const covered = task?.checkpoint?.counters.read ?? 0
      expect(before).toBeGreaterThanOrEqual(20)
      expect(await fleet.start({ ...settings, runId }).ended).toMatchObject({ state: 'succeeded' })
      expect(server.arrivals.length - before).toBe(60 - covered)
      expect(server.keys).toHaveLength(60)
      expect(server.arrivals.slice(before).map(idOf)).not.toContain(1)
    },
  )

  test('requests of many are cut alike after a crash: no key is new', async () => {
    await using server = await RecordingServer.start()
    await using fleet = await Fleet.open(1, 230)
    const settings: JobSettings = { job: 'send', url: server.url, batch: 20 }
    const runId = await fleet.submit(settings, 'one')
    expect(await fleet.start({ ...settings, runId }, 'http.sent@8=kill').ended).toBe('killed')
    expect(await fleet.start({ ...settings, runId }).ended).toMatchObject({ state: 'succeeded' })
    const undisturbed = await fleet.submit(settings, 'two')
    const before = new Set(server.keys)
    await fleet.start({ ...settings, runId: undisturbed }).ended
    expect(new Set(server.keys)).toEqual(before)
  })
})
