import { systemClock } from '../kernel/clock.ts'

/** What Node calls work that is under way and will go on by itself: the file system's requests, and the next turns. */
const UNDER_WAY = /^(?:Immediate|FSReq)/

/** Turns in a row in which nothing was under way, before it counts as quiet. */
const QUIET_TURNS = 2

/**
 * Resolves when nothing in this thread can go on without the clock: promises have settled, the file system has answered.
 * With `realMs`, real time passes first, for work that Node does not list: compression, native threads.
 */
export async function quiet(realMs = 0): Promise<void> {
  if (realMs > 0) await systemClock.sleep(realMs)
  for (let still = 0; still < QUIET_TURNS;) {
    await nextTurn()
    still = process.getActiveResourcesInfo().some((name) => UNDER_WAY.test(name)) ? 0 : still + 1
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
