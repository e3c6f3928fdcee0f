/**
 * Makes the sample input: what accounts used in February, a file a day, dirty as real ones are, the same every time.
 *
 *   npm run sample               the month that came with the project
 *   npm run sample -- 100000     a hundred thousand uses a day, to have time to kill a run
 */
import { randomFrom, sizeAsked, writeFiles } from './making.ts'
import type { Files } from './making.ts'

const USUAL = 36
const DAYS = Array.from({ length: 28 }, (_, index) => String(index + 1).padStart(2, '0'))
const METERS = ['compute', 'storage', 'traffic']

export function sample(size = USUAL): Files {
  return Object.fromEntries(DAYS.map((day, index) => [`in/usage/2026-02-${day}.csv`, lines(day, index, size)]))
}

function* lines(day: string, seed: number, size: number): Generator<string> {
  const draw = randomFrom(seed)
  yield 'id,time,account,meter,units\n'
  for (let number = 1; number <= size; number += 1) {
    const id = `U${day}${String(number).padStart(6, '0')}`
    const [hour, minute] = [24, 60].map((below) => String(Math.floor(draw() * below)).padStart(2, '0'))
    const time = `2026-02-${day}T${String(hour)}:${String(minute)}:00Z`
    const account = `acc-${String(1 + Math.floor(draw() * 40)).padStart(3, '0')}`
    const meter = METERS[Math.floor(draw() * METERS.length)] ?? ''
    const units = String(1 + Math.floor(draw() * 5000))
    const good = `${[id, time, account, meter, units].join()}\n`
    const dirt = draw() * 1000
    if (dirt < 12)
      yield good + good // counted twice
    else if (dirt < 30) yield `${[id, time, '', meter, units].join()}\n`
    else if (dirt < 36) yield `${[id, time, account, 'trafic', units].join()}\n`
    else if (dirt < 41) yield `${[id, time, account, meter, `-${units}`].join()}\n`
    else if (dirt < 45) yield `${[id, time, account, meter, ''].join()}\n`
    else if (dirt < 49) yield `${[id, '2026-02-31T00:00:00Z', account, meter, units].join()}\n`
    else yield good
  }
}

if (import.meta.main) writeFiles(sample(sizeAsked(USUAL)))
