import type { Clock } from './clock.ts'
import type { Random } from './random.ts'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const TIME_LENGTH = 9
const CHANCE_LENGTH = 9

/**
 * A new id: 9 characters of time (milliseconds, Crockford base 32, good until the year 3084), then 9 of chance (45 bits).
 * Ids sort by the time they were made, and read well in a terminal: no i, l, o, u.
 */
export function newId(clock: Clock, random: Random): string {
  let time = Math.floor(clock.now())
  let id = ''
  for (let index = 0; index < TIME_LENGTH; index += 1) {
    id = (ALPHABET[time % 32] ?? '0') + id
    time = Math.floor(time / 32)
  }
  for (let index = 0; index < CHANCE_LENGTH; index += 1) id += ALPHABET[random.integer(32)] ?? '0'
  return id
}
