/**
 * Plays many histories of the simulation, on all cores: `npm run simulate -- --seeds 100000 [--from 1]`. Prints each seed
 * that fails with the way to play it again, and ends with 1 where there was one.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { playHistory } from '../../packages/batchwright/src/engine/fixtures/simulation/history.ts'

/** What a player says: how far it is, and what it found. */
type Said = { readonly played: number } | { readonly seed: number; readonly found: string }

const { values } = parseArgs({
  options: { seeds: { type: 'string' }, from: { type: 'string' }, every: { type: 'string' } },
})
const from = whole('from', values.from, 1)
const seeds = whole('seeds', values.seeds, 2_000)

if (values.every === undefined) await lead()
else await play(whole('every', values.every, 1))

/** One process for each core, each with every so many-th seed. */
async function lead(): Promise<void> {
  const players = availableParallelism()
  const started = performance.now()
  let played = 0
  let failed = 0
  const ends = Array.from({ length: players }, async (_, at) => {
    const options = ['--from', String(from + at), '--seeds', String(seeds - at), '--every', String(players)]
    const child = fork(fileURLToPath(import.meta.url), options)
    child.on('message', (said: Said) => {
      if ('played' in said) {
        played += said.played
        return
      }
      failed += 1
      console.error(`seed ${said.seed}: ${said.found}`)
      console.error(`  SEED=${said.seed} npx vitest run packages/batchwright/src/engine/simulation.test.ts`)
    })
    await once(child, 'exit')
    if (child.exitCode !== 0) throw new Error(`a player ended with ${String(child.exitCode ?? child.signalCode)}`)
  })
  const watch = setInterval(() => {
    console.error(`${played} of ${seeds}`)
  }, 10_000)
  await Promise.all(ends)
  clearInterval(watch)
  const seconds = Math.round((performance.now() - started) / 1_000)
  console.log(
    `${played} histories in ${seconds} s on ${players} cores: ${failed === 0 ? 'all invariants held' : `${failed} failed`}`,
  )
  process.exitCode = failed === 0 ? 0 : 1
}

async function play(every: number): Promise<void> {
  for (let seed = from; seed < from + seeds; seed += every) {
    try {
      await playHistory(seed)
    } catch (error) {
      say({ seed, found: error instanceof Error ? error.message : String(error) })
    }
    say({ played: 1 })
  }
  process.disconnect()
}

function say(said: Said): void {
  process.send?.(said)
}

function whole(name: string, text: string | undefined, otherwise: number): number {
  const number = text === undefined ? otherwise : Number(text)
  if (Number.isInteger(number) && number > 0) return number
  throw new Error(`--${name}: expected a whole number from 1, found ${String(text)}`)
}
