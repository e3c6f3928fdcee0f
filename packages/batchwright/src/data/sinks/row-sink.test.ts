import { createHash } from 'node:crypto'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Part, SinkState } from '../../protocol/index.ts'
import type { StagedSink } from '../contract.ts'
import { Fault } from '../../job/model.ts'
import { openRowSink, type RowLayout } from './row-sink.ts'

interface Row {
  readonly id: number
  readonly text: string
}

const layout: RowLayout = {
  format: 'csv',
  extension: 'csv',
  header: 'id,text\n',
  line: (record) => {
    const row = record as Row
    return `${row.id},${row.text}`
  },
  check: (record) => {
    const row = record as Row
    return row.text === 'faulty' ? new Fault('bad_text', 'column text: expected another word', 'text') : null
  },
  convert: null,
}

let root = ''
let attempts = 0
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'batchwright-sink-'))
})
afterEach(() => {
  rmSync(root, { recursive: true })
})

function openAttempt(resume: SinkState | null, recordsPerPart: number): Promise<StagedSink> {
  attempts += 1
  return openRowSink(layout, {
    folder: path.join(root, `0-f${attempts}`),
    name: 'main',
    codeVersion: 'code',
    resume,
    recordsPerPart,
  })
}

function rows(from: number, to: number, text = 'row £'): Row[] {
  return Array.from({ length: to - from }, (_, index) => ({ id: from + index, text: `${text} ${from + index}` }))
}

function contents(parts: readonly Part[]): string[] {
  return parts.map((part) => readFileSync(part.path, 'utf8'))
}

function expectTrue(parts: readonly Part[]): void {
  for (const part of parts) {
    const bytes = readFileSync(part.path)
    expect(bytes.length).toBe(part.bytes)
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(part.sha256)
  }
}

async function write(sink: StagedSink, records: readonly Row[], chunk: number): Promise<void> {
  for (let from = 0; from < records.length; from += chunk) await sink.write(records.slice(from, from + chunk))
}

describe('parts', () => {
  test('are cut by record count, each with its header, whatever the chunks were', async () => {
    const results: string[][] = []
    for (const chunk of [1, 3, 7, 100]) {
      const sink = await openAttempt(null, 4)
      await write(sink, rows(0, 10), chunk)
      const parts = await sink.finish()
      expectTrue(parts)
      expect(parts.map((part) => part.records)).toEqual([4, 4, 2])
      expect(parts.map((part) => path.basename(part.path))).toEqual([
        'main-00000.csv',
        'main-00001.csv',
        'main-00002.csv',
      ])
      expect(sink.bytesWritten).toBe(parts.reduce((sum, part) => sum + part.bytes, 0))
      results.push(contents(parts))
    }
    expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1)
    expect(results[0]?.[1]?.split('\n')[0]).toBe('id,text')
  })

  test('of no record are none at all', async () => {
    const sink = await openAttempt(null, 4)
    await sink.write([])
    expect(await sink.commit()).toEqual({ sealed: [], open: null })
    expect(await sink.finish()).toEqual([])
    expect(readdirSync(path.join(root, `0-f${attempts}`))).toEqual([])
  })

  test('that end exactly at a limit leave no empty one behind', async () => {
    const sink = await openAttempt(null, 5)
    await sink.write(rows(0, 10))
    const state = await sink.commit()
    expect(state.open).toBeNull()
    expect(await sink.finish()).toEqual(state.sealed)
    expect(state.sealed).toHaveLength(2)
  })
})

describe('a write', () => {
  test('of a faulty record throws, names its place and column, and writes none of its call', async () => {
    const sink = await openAttempt(null, 2)
    await sink.write(rows(0, 1))
    const faulty = [...rows(1, 4), { id: 4, text: 'faulty' }, ...rows(5, 6)]
    expect(() => sink.write(faulty)).toThrow(
      expect.objectContaining({ code: 'OUTPUT_INVALID', details: { index: 3, reason: 'bad_text', column: 'text' } }),
    )
    expect(contents(await sink.finish())).toEqual(['id,text\n0,row £ 0\n'])
  })

  test('of more than the buffers hold keeps order and bytes', async () => {
    const sink = await openAttempt(null, 1_000_000)
    const long = 'ä'.repeat(3_000_000)
    await sink.write([{ id: 1, text: 'short' }])
    await sink.write([{ id: 2, text: long }])
    for (let round = 0; round < 40; round += 1) await sink.write(rows(round * 500, round * 500 + 500, 'x'.repeat(90)))
    const parts = await sink.finish()
    expectTrue(parts)
    const lines = contents(parts).join('').split('\n')
    expect(lines[2]).toBe(`2,${long}`)
    expect(lines[20_002]).toBe(`19999,${'x'.repeat(90)} 19999`)
    expect(lines).toHaveLength(20_004)
  })
})

describe('a commit', () => {
  test('captures what was written before it, and no record written while it is under way', async () => {
    const sink = await openAttempt(null, 1_000)
    await sink.write(rows(0, 3))
    const committing = sink.commit()
    await sink.write(rows(3, 5))
    const state = await committing
    expect(state.open?.records).toBe(3)
    const bytes = readFileSync(state.open?.path ?? '').subarray(0, state.open?.durableBytes)
    expect(bytes.toString()).toBe('id,text\n0,row £ 0\n1,row £ 1\n2,row £ 2\n')
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(state.open?.sha256)
    expect((await sink.finish())[0]?.records).toBe(5)
  })
})

describe('a resumed sink', () => {
  test('gives the bytes of an undisturbed one, wherever it was cut and however often', async () => {
    const total = 60
    const undisturbed = await openAttempt(null, 7)
    await write(undisturbed, rows(0, total), 5)
    const expected = contents(await undisturbed.finish())
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ committed: fc.integer({ min: 0, max: 25 }), lost: fc.integer({ min: 0, max: 25 }) }), {
          maxLength: 4,
        }),
        fc.integer({ min: 1, max: 20 }),
        async (crashes, chunk) => {
          let at = 0
          let state: SinkState | null = null
          for (const { committed, lost } of crashes) {
            const sink = await openAttempt(state, 7)
            const until = Math.min(total, at + committed)
            await write(sink, rows(at, until), chunk)
            state = await sink.commit()
            at = until
            // The zombie goes on after its last checkpoint; nobody may see it.
            await write(sink, rows(1_000, 1_000 + lost), chunk)
            await sink.commit()
            await sink.abort()
          }
          const sink = await openAttempt(state, 7)
          await write(sink, rows(at, total), chunk)
          const parts = await sink.finish()
          expectTrue(parts)
          expect(contents(parts)).toEqual(expected)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('starts again where a sealed part is gone, is cut short or changed, or the open one is not as it was', async () => {
    const first = await openAttempt(null, 4)
    await first.write(rows(0, 10))
    const state = await first.commit()
    await first.abort()
    const [sealed] = state.sealed
    const open = state.open
    if (sealed === undefined || open === null) throw new Error('expected a sealed and an open part')

    const lost = expect.objectContaining({ code: 'OUTPUT_LOST', retryable: true }) as object
    writeFileSync(open.path, readFileSync(open.path, 'utf8').replace('8', '7'))
    await expect(openAttempt(state, 4)).rejects.toThrow(lost)
    truncateSync(open.path, open.durableBytes - 1)
    await expect(openAttempt(state, 4)).rejects.toThrow(lost)
    rmSync(open.path)
    await expect(openAttempt(state, 4)).rejects.toThrow(lost)
    writeFileSync(sealed.path, readFileSync(sealed.path, 'utf8').replace('1', '2'))
    await expect(openAttempt({ ...state, open: null }, 4)).rejects.toThrow(lost)
    appendFileSync(sealed.path, 'more')
    await expect(openAttempt({ ...state, open: null }, 4)).rejects.toThrow(lost)
    rmSync(sealed.path)
    await expect(openAttempt({ ...state, open: null }, 4)).rejects.toThrow(lost)
  })

  test('counts the bytes it adopted as written', async () => {
    const first = await openAttempt(null, 4)
    await first.write(rows(0, 6))
    const state = await first.commit()
    await first.abort()
    const second = await openAttempt(state, 4)
    expect(second.bytesWritten).toBe((state.sealed[0]?.bytes ?? 0) + (state.open?.durableBytes ?? 0))
    await second.abort()
  })
})

describe('storage that refuses', () => {
  test('a folder where a file is in the way names the path', async () => {
    writeFileSync(path.join(root, 'file'), '')
    const opening = openRowSink(layout, {
      folder: path.join(root, 'file', 'attempt'),
      name: 'main',
      codeVersion: 'code',
      resume: null,
      recordsPerPart: 4,
    })
    await expect(opening).rejects.toThrow(
      expect.objectContaining({ code: 'OUTPUT_UNWRITABLE', message: expect.stringContaining(root) as string }),
    )
  })

  test('two attempts with one folder: the second is stopped before it harms the first', async () => {
    const first = await openAttempt(null, 4)
    await first.write(rows(0, 2))
    await first.commit()
    attempts -= 1
    const second = await openAttempt(null, 4)
    await second.write(rows(10, 12))
    await expect(second.commit()).rejects.toThrow(expect.objectContaining({ code: 'OUTPUT_EXISTS' }))
    await second.abort()
    expect(contents(await first.finish())).toEqual(['id,text\n0,row £ 0\n1,row £ 1\n'])
  })
})
