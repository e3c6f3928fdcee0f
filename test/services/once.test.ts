import { describe, expect, test } from 'vitest'
import { createDatabase } from '../postgres/index.ts'
import { Fleet } from './harness.ts'
import type { JobSettings } from './jobs.ts'
import { RecordingServer } from './server.ts'

const PEOPLE = 30

function timesOf(server: RecordingServer): readonly number[] {
  const times = new Map<string, number>()
  for (const { key } of server.arrivals) times.set(key, (times.get(key) ?? 0) + 1)
  return [...times.values()]
}

async function crashedAt(point: string, inDoubt: 'skip' | 'repeat' | 'ask', url: string | null) {
  const server = await RecordingServer.start()
  const fleet = await Fleet.open(1, PEOPLE, url)
  const settings: JobSettings = { job: 'effects', url: server.url, inDoubt }
  const runId = await fleet.submit(settings, 'one')
  expect(await fleet.start({ ...settings, runId }, point).ended).toBe('killed')
  return { server, fleet, settings, runId }
}

const POINTS = [
  ['effect.intended@13=kill', 'repeat'],
  ['effect.made@13=kill', 'skip'],
  ['effect.settled@13=kill', 'skip'],
] as const

for (const on of ['SQLite', 'PostgreSQL'] as const) {
  describe(`an effect outside, on ${on}`, () => {
    test.each(on === 'SQLite' ? POINTS : POINTS.slice(1, 2))('killed at %s, in doubt: %s', async (point, inDoubt) => {
      const database = on === 'SQLite' ? null : await createDatabase({ durable: false })
      const { server, fleet, settings, runId } = await crashedAt(point, inDoubt, database?.url ?? null)
      expect(await fleet.start({ ...settings, runId }).ended).toMatchObject({ state: 'succeeded' })
      const times = timesOf(server)
      // Up to five were under way when it died: only those can be more, or less, than once.
      const odd = PEOPLE - times.filter((count) => count === 1).length
      expect(odd).toBeLessThanOrEqual(5)
      if (inDoubt === 'skip') expect(Math.max(...times)).toBe(1)
      else expect(times).toHaveLength(PEOPLE)
      const before = server.arrivals.length
      const again = await fleet.submit(settings, 'later')
      expect(await fleet.start({ ...settings, runId: again }).ended).toMatchObject({ state: 'succeeded' })
      expect(server.arrivals).toHaveLength(before)
      await fleet[Symbol.asyncDispose]()
      await server.down()
      await database?.drop()
    })
  })
}

test('ask: the task waits for a person without using attempts, and goes on with what was answered', async () => {
  const { server, fleet, settings, runId } = await crashedAt('effect.made@13=kill', 'ask', null)
  const child = fleet.start({ ...settings, runId })
  for (;;) {
    const asked = (await fleet.store.listEffects({ open: true })).filter(({ state }) => state === 'asked')
    for (const { scope, key } of asked) {
      await fleet.store.answerEffect({ scope, key }, { is: 'done', outcome: { status: 204 } }, 'somebody')
    }
    const run = await fleet.store.getRun(runId)
    if (run?.endedAt !== null) break
    await fleet.store.waitForChange(20)
  }
  expect(await child.ended).toMatchObject({ state: 'succeeded' })
  expect(Math.max(...timesOf(server))).toBe(1)
  const [task] = await fleet.store.listTasks(runId, { kind: 'partition' })
  // The crash, and the attempt that succeeded: none for waiting.
  expect(task?.attemptsUsed).toBeLessThanOrEqual(2)
  const types = (await fleet.store.listEvents({ after: 0, runId })).map(({ type }) => type)
  expect(types).toContain('effect.asked')
  expect(types).toContain('effect.answered')
  await fleet[Symbol.asyncDispose]()
  await server.down()
})
