/**
 * A writer in a process of its own, for the tests of crashes and full disks: goes on from the checkpoint file, commits after
 * every few records, and says so on its standard output.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { SinkState } from '../../protocol/index.ts'
import { openDeadLetterSink } from './dead-letter-sink.ts'
import { openRowSink } from './row-sink.ts'

/** What the parent reads when the writer has come to its end. */
export interface Written {
  readonly paths: readonly string[]
  readonly dead: readonly string[]
}

interface Stored {
  readonly at: number
  readonly main: SinkState
  readonly dead: SinkState
}

const [root = '', attempt = '', total = '0'] = process.argv.slice(2)
const checkpoint = path.join(root, 'checkpoint.json')
// eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- written a few lines below
const stored = existsSync(checkpoint) ? (JSON.parse(readFileSync(checkpoint, 'utf8')) as Stored) : null
const common = { folder: path.join(root, attempt), codeVersion: 'code' }

try {
  const sink = await openRowSink(
    {
      format: 'jsonl',
      extension: 'jsonl',
      header: '',
      line: JSON.stringify,
      check: null,
      convert: null,
    },
    { ...common, name: 'main', resume: stored?.main ?? null, recordsPerPart: 500 },
  )
  const dead = await openDeadLetterSink({ ...common, name: 'dead', resume: stored?.dead ?? null })
  for (let at = stored?.at ?? 0; at < Number(total);) {
    for (let chunk = 0; chunk < 3; chunk += 1, at += 40) {
      await sink.write(Array.from({ length: 40 }, (_, index) => ({ id: at + index, text: 'text '.repeat(50) })))
      await dead.write([
        {
          id: String(at),
          cause: 'rule',
          reason: 'a_rule',
          message: 'a message',
          stack: null,
          position: { source: 'file', windowKey: null, record: at, offset: null },
          raw: 'raw',
        },
      ])
    }
    const state: Stored = { at, main: await sink.commit(), dead: await dead.commit() }
    writeFileSync(`${checkpoint}.${attempt}`, JSON.stringify(state))
    renameSync(`${checkpoint}.${attempt}`, checkpoint)
    process.stdout.write('committed\n')
  }
  const parts = [await sink.finish(), await dead.finish()]
  const [paths = [], letters = []] = parts.map((list) => list.map((part) => part.path))
  const written: Written = { paths, dead: letters }
  process.stdout.write(`${JSON.stringify(written)}\n`)
} catch (thrown) {
  const { code, message } = thrown instanceof BatchwrightError ? thrown : { code: 'OTHER', message: String(thrown) }
  process.stdout.write(`${JSON.stringify({ code, message })}\n`)
}
