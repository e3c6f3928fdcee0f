import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeService, restartAtEveryCommit, runInMemory } from 'batchwright/testing'
import { readPgm, shrink, writePng } from '../jobs/images.ts'
import thumbnails, { photos } from '../jobs/thumbnails.ts'

const pgm = Buffer.concat([Buffer.from('P5\n4 2\n255\n'), Buffer.from([0, 20, 40, 60, 0, 20, 40, 60])])
const rows = Array.from({ length: 8 }, (_, index) => ({ file: `photo-${String(index)}.pgm`, title: 'A photo' }))

/** Photos that are there, as if in the folder. */
function fake() {
  return fakeService(photos, {
    read: (file) => Promise.resolve(file.startsWith('photo') ? pgm : file === 'text.pgm' ? Buffer.from('text') : null),
  })
}

test('an image shrinks to the mean of its pixels', () => {
  const image = readPgm(pgm)
  assert.ok(image !== null)
  const small = shrink(image, 2)
  assert.deepEqual([...small.pixels], [10, 50])
  assert.equal(writePng(small).toString('latin1', 1, 4), 'PNG')
})

test('every image gets a thumbnail, published with the row that names it; the others are set aside', async () => {
  const inputs = { images: [...rows, { file: 'nowhere.pgm' }, { file: 'text.pgm' }, rows[0] ?? {}] }
  const service = fake()
  // Of eleven rows three are bad: more than the job lets pass, so the run fails and nothing is published.
  const refused = await runInMemory(thumbnails, { inputs, services: { photos: service.client } })
  assert.equal(refused.run.state, 'failed')
  assert.deepEqual(
    new Set(refused.deadLetters['shrink']?.map((letter) => letter.reason)),
    new Set(['file_missing', 'not_an_image', 'listed_twice']),
  )
  assert.deepEqual(Object.keys(refused.files['thumbnails'] ?? {}), [])

  const { run, files, outputs } = await runInMemory(thumbnails, {
    inputs: { images: rows },
    services: { photos: service.client },
  })
  assert.equal(run.state, 'succeeded', run.failure?.message)
  assert.equal(Object.keys(files['thumbnails'] ?? {}).length, rows.length)
  assert.equal(outputs['catalogue']?.length, rows.length)
})

test('a read that fails for a reason that passes is tried again', async () => {
  const service = fake()
  service.failOn('read', 2)
  const { run } = await runInMemory(thumbnails, { inputs: { images: rows }, services: { photos: service.client } })
  assert.equal(run.state, 'succeeded', run.failure?.message)
})

test('a kill at any commit changes nothing of the result', async () => {
  const { commits } = await restartAtEveryCommit(thumbnails, {
    step: 'shrink',
    inputs: { images: rows.slice(0, 4) },
    services: { photos: fake().client },
  })
  assert.ok(commits > 1)
})
