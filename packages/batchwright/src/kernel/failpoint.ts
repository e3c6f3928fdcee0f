/**
 * Named places where a test can strike: between a write and its record, between lock and commit. Inert unless armed.
 *
 * Armed from outside by `BATCHWRIGHT_FAIL_POINTS=name@3=kill,other@1=throw` (the third time `name` is passed, this process
 * gets SIGKILL; the first time `other` is passed, an error is thrown), or inside a process by `armFailPoint`.
 */
export type FailPoint =
  | 'plan.batch-added'
  | 'plan.sealed'
  | 'loop.sink-committed'
  | 'loop.checkpointed'
  | 'loop.split'
  | 'loop.distinct-seen'
  | 'loop.finished'
  | 'table.opened'
  | 'table.rows-written'
  | 'table.before-commit'
  | 'table.committed'
  | 'table.swapped'
  | 'reduce.spilled'
  | 'verify.started'
  | 'publish.started'
  | 'publish.linked'
  | 'publish.manifest-created'
  | 'publish.recorded'
  | 'store.finish-before-commit'
  | 'effect.intended'
  | 'effect.made'
  | 'effect.settled'
  | 'http.sent'

/** Places where a test can hold a caller back while others go on: before each statement of a transaction, and its commit. */
export type HoldPoint = 'store.statement' | 'store.commit'

type Strike = () => void

const armed = new Map<string, { at: number; strike: Strike; passed: number }>()

/** Passes a fail point. Costs one look-up in an empty map when nothing is armed. */
export function failPoint(name: FailPoint): void {
  if (armed.size === 0) return
  const point = armed.get(name)
  if (point === undefined) return
  point.passed += 1
  if (point.passed === point.at) point.strike()
}

/** Arms a point in this thread: `strike` is called at the `at`-th passing (from 1). Returns the way to disarm it. */
export function armFailPoint(name: FailPoint, at: number, strike: Strike): () => void {
  armed.set(name, { at, strike, passed: 0 })
  return () => {
    armed.delete(name)
  }
}

const holding = new Map<HoldPoint, { at: number; hold: () => Promise<void>; passed: number }>()

/** Passes a point at which the caller may be held back; undefined where nobody does. */
export function holdPoint(name: HoldPoint): Promise<void> | undefined {
  if (holding.size === 0) return undefined
  const point = holding.get(name)
  if (point === undefined) return undefined
  point.passed += 1
  return point.passed === point.at ? point.hold() : undefined
}

/** Holds whoever passes the point at the `at`-th time (from 1), in this thread. Returns the way to disarm it. */
export function armHoldPoint(name: HoldPoint, at: number, hold: () => Promise<void>): () => void {
  holding.set(name, { at, hold, passed: 0 })
  return () => {
    holding.delete(name)
  }
}

const strikes: Readonly<Record<string, (name: string) => Strike>> = {
  kill: () => () => {
    process.kill(process.pid, 'SIGKILL')
  },
  throw: (name) => () => {
    throw new Error(`fail point ${name}`)
  },
}

function armFromEnvironment(setting: string): void {
  for (const entry of setting.split(',')) {
    const [, name, at, action] = /^([a-z.-]+)@(\d+)=([a-z]+)$/.exec(entry) ?? []
    const strike = action === undefined ? undefined : strikes[action]
    if (name === undefined || at === undefined || strike === undefined) {
      throw new Error(`BATCHWRIGHT_FAIL_POINTS: expected name@count=kill|throw, found ${JSON.stringify(entry)}`)
    }
    armed.set(name, { at: Number(at), strike: strike(name), passed: 0 })
  }
}

const setting = process.env['BATCHWRIGHT_FAIL_POINTS']
if (setting !== undefined && setting !== '') armFromEnvironment(setting)
