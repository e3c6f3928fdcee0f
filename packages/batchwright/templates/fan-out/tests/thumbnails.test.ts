import assert from 'node:assert/strict'
import { test } from 'node:test'
import { restartAtEveryCommit, runInMemory } from 'batchwright/testing'
import { readPgm, shrink, writePng } from '../jobs/images.ts'
import thumbnails from '../jobs/thumbnails.ts'

// These are among the images of the sample: the tests run in the project's folder, as `npm test` does.
const good = Array.from({ length: 20 }, (_, index) => ({
  file: `photo-${String(index + 1).padStart(5, '0')}.pgm`,
  title: 'A photo',
}))

test('an image shrinks to the mean of its pixels', () => {
  const image = readPgm(Buffer.concat([Buffer.from('P5\n4 2\n255\n'), Buffer.from([0, 20, 40, 60, 0, 20, 40, 60])]))
  assert.ok(image !== null)
  const small = shrink(image, 2)
  assert.deepEqual([...small.pixels], [10, 50])
  assert.equal(writePng(small).toString('latin1', 1, 4), 'PNG')
  assert.equal(readPgm(Buffer.from('this is not an image')), null)
})

test('every image that is there gets a thumbnail; the others are set aside', async () => {
  const inputs = { images: [...good, { file: 'nowhere.pgm', title: '' }, ...good.slice(0, 1)] }
  const { run, outputs, deadLetters } = await runInMemory(thumbnails, { inputs })
  assert.equal(run.state, 'succeeded', run.failure?.message)
  const reasons = deadLetters['shrink']?.map((letter) => letter.reason) ?? []
  assert.equal((outputs['thumbnails']?.length ?? 0) + reasons.length, good.length + 2)
  assert.ok(reasons.includes('file_missing'))
  assert.ok(reasons.includes('listed_twice'))
})

test('a kill at any commit changes nothing of the result', async () => {
  const { commits } = await restartAtEveryCommit(thumbnails, { step: 'shrink', inputs: { images: good.slice(0, 8) } })
  assert.ok(commits > 1)
})
