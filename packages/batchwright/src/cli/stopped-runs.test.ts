/** Runs that a signal, a kill or another process stops, and that go on. */
import { describe, expect, test } from 'vitest'
import { orders, untilWritten } from './fixtures/project.ts'
import { DAY, shop } from './fixtures/shop.ts'
import type { ErrorJson, ListJson, RunJson } from './fixtures/shop.ts'

const SLOW = { SLOW_MS: '20' }
const STAGED = 'out/clean/.staging/**/*.csv'

describe('runs that are stopped', () => {
  async function undisturbed(): Promise<string> {
    const project = shop({ [DAY]: orders(300) })
    await project.cli('run', 'orders', '--window', DAY)
    return project.read(`out/clean/${DAY}/v000001/part-00000.csv`)
  }

  test('Ctrl-C commits, tells how to go on and exits with 130; the same command goes on, to the same bytes', async () => {
    const project = shop({ [DAY]: orders(300) })
    const running = project.start(['run', 'orders', '--window', DAY], SLOW)
    await untilWritten(project, STAGED, running)
    running.child.kill('SIGINT')
    const stopped = await running.finished
    expect(stopped.code).toBe(130)
    expect(stopped.stderr).toContain(
      'SIGINT: stopping at the next commit, so that nothing is lost; once more stops at once',
    )
    expect(stopped.stderr).toContain(
      `interrupted; everything up to the last checkpoint is kept. To go on: batchwright run orders --window ${DAY}`,
    )
    const shown = await project.json<RunJson>('show')
    const before = shown.value.steps[0]?.read ?? 0
    expect(before).toBeGreaterThan(0)
    expect(before).toBeLessThan(300)
    expect(await project.json<RunJson>('run', 'orders', '--window', DAY)).toMatchObject({
      code: 0,
      value: { outcome: 'resumed', state: 'succeeded', steps: [{ read: 300, written: 240, dead: 60 }] },
    })
    expect(project.read(`out/clean/${DAY}/v000001/part-00000.csv`)).toBe(await undisturbed())
    expect(project.files('out/clean/.staging/**/*')).toEqual([])
  })

  test('SIGTERM stops as Ctrl-C does, and --json says interrupted', async () => {
    const project = shop({ [DAY]: orders(300) })
    const running = project.start(['run', 'orders', '--window', DAY, '--json'], SLOW)
    await untilWritten(project, STAGED, running)
    running.child.kill('SIGTERM')
    const { code, stdout, stderr } = await running.finished
    expect(code).toBe(130)
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'interrupted', state: 'running', endedAt: null })
  })

  test('a second Ctrl-C ends the process at once, whatever its steps do', async () => {
    const project = shop({ [DAY]: orders(300) })
    const { child, finished } = project.start(['run', 'orders', '--window', DAY], { ENDLESS: '1' })
    await untilSays(child.stderr, 'clean: running')
    child.kill('SIGINT')
    await untilSays(child.stderr, 'stopping at the next commit')
    child.kill('SIGINT')
    expect(await finished).toMatchObject({ code: 130, signal: null })
  })

  test('killed with SIGKILL and typed again, it goes on from its checkpoint to the same bytes', async () => {
    const project = shop({ [DAY]: orders(300) })
    const killed = await project.start(['run', 'orders', '--window', DAY], {
      ...SLOW,
      BATCHWRIGHT_FAIL_POINTS: 'loop.checkpointed@2=kill',
    }).finished
    expect(killed.signal).toBe('SIGKILL')
    const again = await project.cli('run', 'orders', '--window', DAY)
    expect(again.code).toBe(0)
    expect(again.stderr).toMatch(/^orders 2026-03-01 was begun before: going on from its checkpoints \(run .+\)\n/)
    expect(project.read(`out/clean/${DAY}/v000001/part-00000.csv`)).toBe(await undisturbed())
    expect(project.files('out/clean/.staging/**/*')).toEqual([])
  })

  test('two processes work on one run, and its output is there once', async () => {
    const project = shop({ [DAY]: orders(100) })
    const both = [1, 2].map(() => project.start(['run', 'orders', '--window', DAY], { SLOW_MS: '5' }).finished)
    for (const { code } of await Promise.all(both)) expect(code).toBe(0)
    expect((await project.json<ListJson>('runs')).value.total).toBe(1)
    expect((await project.cli('datasets', 'cat', 'clean_orders')).stdout.trim().split('\n')).toHaveLength(81)
  })

  test('pause by another process ends the work; run refuses; resume goes on', async () => {
    const project = shop({ [DAY]: orders(300) })
    const working = project.start(['run', 'orders', '--window', DAY], SLOW)
    await untilWritten(project, STAGED, working)
    expect((await project.json<RunJson>('pause', 'orders')).value).toMatchObject({ paused: true })
    const paused = await working.finished
    expect(paused.code).toBe(0)
    expect(paused.stderr).toMatch(/paused; `batchwright resume .+` goes on/)
    expect((await project.json<ErrorJson>('run', 'orders', '--window', DAY)).value.error.code).toBe('RUN_PAUSED')
    expect(await project.json<RunJson>('resume', 'latest')).toMatchObject({
      code: 0,
      value: { state: 'succeeded', steps: [{ read: 300 }] },
    })
    expect((await project.json<ErrorJson>('pause', 'latest')).value.error.code).toBe('RUN_ENDED')
  })

  test('cancel by another process ends the run; retry takes it up again', async () => {
    const project = shop({ [DAY]: orders(300) })
    const working = project.start(['run', 'orders', '--window', DAY], SLOW)
    await untilWritten(project, STAGED, working)
    expect((await project.json<RunJson>('cancel', 'latest')).value).toMatchObject({ state: 'cancelled' })
    expect((await working.finished).code).toBe(1)
    expect(await project.json<RunJson>('retry', 'latest')).toMatchObject({
      code: 0,
      value: { state: 'succeeded', steps: [{ read: 300 }] },
    })
  })
})

async function untilSays(stream: NodeJS.ReadableStream | null, text: string): Promise<void> {
  let said = ''
  await new Promise<void>((resolve, reject) => {
    const listen = (piece: unknown): void => {
      said += String(piece)
      if (!said.includes(text)) return
      stream?.off('data', listen)
      resolve()
    }
    stream?.on('data', listen)
    stream?.once('end', () => {
      reject(new Error(`ended without saying ${JSON.stringify(text)}:\n${said}`))
    })
  })
}

test('a command ends although the job file left a timer running, in its slot or beside it', async () => {
  const project = shop({ [DAY]: orders(2) })
  project.write('jobs/orders.ts', `${project.read('jobs/orders.ts')}\nsetInterval(() => undefined, 1000)\n`)
  expect(await project.cli('run', 'orders', '--window', DAY)).toMatchObject({ code: 0, signal: null })
  expect(await project.cli('run', 'orders', '--window', DAY)).toMatchObject({ code: 0, signal: null })
})
