import { appendFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { sha256 } from '../../kernel/digest.ts'
import { FilesProject } from '../fixtures/files-project.ts'
import { csvFormat } from '../fixtures/text-schema.ts'
import { scanFile } from './scan-file.ts'

const LIMITS = { bytes: 256 * 1024, everyRecords: null }
const CONTENT = `a,b\n${'1,"x\ny"\n2,z\n'.repeat(400_000)}`

test('blocks cover every byte of the file once, and their digests and counts add up to the whole', async () => {
  await using project = await FilesProject.create()
  const file = await project.write('in.csv', CONTENT)
  const scanned = await scanFile(file, csvFormat, LIMITS)
  expect(scanned).toMatchObject({ records: 800_000, bytes: CONTENT.length, sha256: sha256(CONTENT), dataOffset: 4 })
  let offset = 0
  let records = 0
  for (let index = 0; index < scanned.blocks.length; index += 1) {
    const block = scanned.blocks.at(index)
    expect(block).toMatchObject({ offset, recordsBefore: records })
    expect(block.digest.toString('hex')).toBe(sha256(CONTENT.slice(offset, offset + block.bytes)))
    offset += block.bytes
    records += block.records
  }
  expect([offset, records]).toEqual([CONTENT.length, 800_000])
})

test('the size of the pieces that are read makes no difference', async () => {
  await using project = await FilesProject.create()
  const file = await project.write('in.csv', CONTENT.slice(0, 5003))
  const whole = await scanFile(file, csvFormat, { bytes: 100, everyRecords: null })
  for (const chunkBytes of [3, 4, 7, 64, 4999]) {
    const scanned = await scanFile(file, csvFormat, { bytes: 100, everyRecords: null }, chunkBytes)
    expect(scanned.blocks.packed().equals(whole.blocks.packed())).toBe(true)
    expect(scanned).toMatchObject({ records: whole.records, dataOffset: 4 })
  }
})

test('a file that grows while it is planned is refused, and a later attempt may succeed', async () => {
  await using project = await FilesProject.create()
  const file = await project.write('in.csv', CONTENT)
  const outcome: { error: unknown } = { error: null }
  const scanning = scanFile(file, csvFormat, LIMITS).then(
    () => 'scanned',
    (error: unknown) => {
      outcome.error = error
      return 'refused'
    },
  )
  const ended = new AbortController()
  void scanning.finally(() => {
    ended.abort()
  })
  while (!ended.signal.aborted) {
    appendFileSync(file, '3,4\n')
    await setImmediate()
  }
  expect(outcome.error).toMatchObject({ code: 'INPUT_CHANGED', retryable: true, details: { path: file } })
})
