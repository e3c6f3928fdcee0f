import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { writePlanFile } from './block-index.ts'

test('attempts that plan the same step at once, a zombie among them, all find the whole plan file', async () => {
  const run = mkdtempSync(path.join(tmpdir(), 'batchwright-plan-'))
  try {
    const pieces = Array.from({ length: 50 }, (_, index) => Buffer.alloc(10_000, index))
    const written = await Promise.all(Array.from({ length: 20 }, () => writePlanFile(run, 'rate', 'blocks', pieces)))
    expect(new Set(written).size).toBe(1)
    expect(readFileSync(path.join(run, written[0] ?? '')).equals(Buffer.concat(pieces))).toBe(true)
    expect(readdirSync(path.join(run, 'rate', 'plan'))).toHaveLength(1)
  } finally {
    rmSync(run, { recursive: true })
  }
})
