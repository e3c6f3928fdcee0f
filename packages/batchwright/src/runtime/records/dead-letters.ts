import { sha256 } from '../../kernel/digest.ts'
import { reportError } from '../../kernel/errors.ts'
import type { Batch, DeadLetter } from '../../data/index.ts'
import type { RecordPosition } from '../../job/index.ts'
import type { Redactor } from '../../observe/index.ts'
import type { Chunk, SetAside } from './chunk.ts'
import { userStack } from './user-stack.ts'

/** Hex digits of a dead letter's id: 80 bits. */
const ID_LENGTH = 20

/** The chunk's dead letters, in the order of the source. */
export function deadLettersOf(chunk: Chunk, step: string, redactor: Redactor): readonly DeadLetter[] {
  return chunk.setAside.map((aside) => deadLetter(chunk, aside, step, redactor))
}

/** The same on every replay of the record, whatever becomes of it. */
export function letterId({ digest }: Pick<Batch, 'digest'>, { record }: RecordPosition, step: string): string {
  return sha256(`${digest} ${record} ${step}`).slice(0, ID_LENGTH)
}

function deadLetter({ batch }: Chunk, aside: SetAside, step: string, redactor: Redactor): DeadLetter {
  const position = batch.locate(aside.index)
  const stack = aside.error === null ? null : (reportError(aside.error).stack ?? null)
  return {
    id: letterId(batch, position, step),
    cause: aside.cause,
    reason: aside.reason,
    message: redactor.text(aside.message),
    stack: stack === null ? null : redactor.text(userStack(stack)),
    position,
    raw: batch.raw(aside.index),
  }
}
