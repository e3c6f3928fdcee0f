import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { seededRandom } from '../../kernel/random.ts'
import type { Written } from './writer.child.ts'

const CHILD = fileURLToPath(new URL('./writer.child.ts', import.meta.url))
const TOTAL = 6_000

let root = ''
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'batchwright-crash-'))
})
afterEach(() => {
  rmSync(root, { recursive: true })
})

/** Runs a writer; kills it after so many commits. Returns its last line, or null when it was killed. */
function run(attempt: string, killAfter: number, shell = 'exec "$@"'): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      'sh',
      ['-c', shell, 'sh', process.execPath, '--conditions=batchwright-source', CHILD, root, attempt, String(TOTAL)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    let output = ''
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString()
      if (output.split('committed').length > killAfter) child.kill('SIGKILL')
    })
    child.on('error', reject)
    child.on('close', (_, signal) => {
      resolve(signal === 'SIGKILL' ? null : (output.trimEnd().split('\n').at(-1) ?? ''))
    })
  })
}

function contents(line: string | null): string[] {
  const written = JSON.parse(line ?? '') as Written
  return [...written.paths, ...written.dead].map((file) => readFileSync(file, 'utf8'))
}

test('a writer that is killed again and again leaves the bytes of one that never was', async () => {
  const expected = contents(await run('undisturbed', Infinity))
  expect(expected).toHaveLength(TOTAL / 500 + 1)
  rmSync(path.join(root, 'checkpoint.json'))
  const random = seededRandom(2011)
  let killed = 0
  let line: string | null = null
  while (line === null) {
    line = await run(`attempt-${killed}`, killed < 6 ? 1 + random.integer(8) : Infinity)
    if (line === null) killed += 1
  }
  expect(killed).toBe(6)
  expect(contents(line)).toEqual(expected)
})

test('a disk that has no room for a file stops the writer with its path, and what was committed is gone on with', async () => {
  const expected = contents(await run('undisturbed', Infinity))
  rmSync(path.join(root, 'checkpoint.json'))
  // The limit is counted in half or whole kilobytes: too small for one part in either.
  const stopped = JSON.parse((await run('full', Infinity, 'ulimit -f 60; exec "$@"')) ?? '') as Record<string, string>
  expect(stopped['code']).toBe('DISK_FULL')
  expect(stopped['message']).toContain(path.join(root, 'full', 'main-00000.jsonl'))
  expect(contents(await run('after', Infinity))).toEqual(expected)
})
