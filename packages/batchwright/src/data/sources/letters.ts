import { createReadStream, existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { DeadLetter } from '../contract.ts'

/** The dead letters of a JSON Lines file, in order. Blank lines are left out. Throws DEAD_LETTERS_MISSING, DEAD_LETTER_INVALID. */
export async function* readLetters(file: string): AsyncGenerator<DeadLetter, void, undefined> {
  if (!existsSync(file)) throw lettersMissing(file)
  const stream = createReadStream(file)
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })
  let number = 0
  try {
    for await (const line of lines) {
      number += 1
      if (line.trim() !== '') yield parseLetter(line, file, number)
    }
  } finally {
    lines.close()
    stream.destroy()
  }
}

function parseLetter(line: string, file: string, number: number): DeadLetter {
  let cause: unknown
  try {
    const value: unknown = JSON.parse(line)
    if (isLetter(value)) return value
  } catch (error) {
    cause = error
  }
  throw new BatchwrightError({
    code: 'DEAD_LETTER_INVALID',
    message: `expected a dead letter on line ${number} of ${file}, found ${JSON.stringify(line.slice(0, 100))}`,
    hint: 'Export or replay the dead letters again: the file has been changed.',
    details: { path: file, line: number },
    cause,
  })
}

function isLetter(value: unknown): value is DeadLetter {
  if (value === null || typeof value !== 'object') return false
  if (!('raw' in value) || typeof value.raw !== 'string' || !('position' in value)) return false
  const { position } = value
  return position !== null && typeof position === 'object' && 'source' in position && 'record' in position
}

function lettersMissing(file: string): BatchwrightError {
  return new BatchwrightError({
    code: 'DEAD_LETTERS_MISSING',
    message: `expected dead letters in ${file}; there is no such file`,
    hint: 'Bring the file back and retry, or replay the dead letters again.',
    details: { path: file },
  })
}
