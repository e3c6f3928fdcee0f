import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { check, contract, csv, dataset, field, job, jsonl, record, reject, service } from 'batchwright'
import type { RecordOf } from 'batchwright'
import { readPgm, shrink, writePng } from './images.ts'

const item = record({ file: field.text(), title: field.text().optional() })
const thumbnail = record({
  file: field.text(),
  title: field.text(),
  width: field.integer(),
  height: field.integer(),
  thumbnail: field.text(),
})

const items = dataset('images', { files: 'in/images.csv', format: csv(), contract: contract(1, item) })
const thumbnails = dataset('thumbnails', {
  location: 'out/thumbnails',
  format: jsonl(),
  key: ['file'],
  contract: contract(1, thumbnail),
  checks: [check.unique('file'), check.pattern('thumbnail', /data:image\/png;base64,[A-Za-z0-9+/=]+/)],
})

interface Photos {
  /** Null where there is no such file. */
  read(file: string): Promise<Buffer | null>
}

/** Where the images are: a folder here, an object store where it is one. Opened once for each slot, when first used. */
const photos = service('photos', {
  open: (): Photos => {
    const folder = process.env['PHOTOS'] ?? path.join('in', 'photos')
    return {
      read: (file) =>
        readFile(path.join(folder, path.basename(file))).catch((error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT') return null
          throw error
        }),
    }
  },
})

/** The thumbnail of an image, or why there is none. */
async function shrunk(row: RecordOf<typeof item>, { use }: { readonly use: { readonly photos: Photos } }) {
  const bytes = await use.photos.read(row.file)
  if (bytes === null) return reject('file_missing')
  const image = readPgm(bytes)
  if (image === null) return reject('not_an_image')
  const small = shrink(image, 16)
  const png = writePng(small).toString('base64')
  return {
    file: row.file,
    title: row.title ?? row.file,
    width: small.width,
    height: small.height,
    thumbnail: `data:image/png;base64,${png}`,
  }
}

export default job('thumbnails', { owner: 'media', description: 'A thumbnail of every image' }, (steps) => {
  steps
    .records('shrink')
    .read(items)
    .use({ photos })
    .distinct({ within: 'partition', by: (row) => row.file, reject: 'listed_twice' })
    .process(shrunk, { concurrency: 8 })
    // Rows of one file go to one partition, so that a second one is noticed there.
    .partition('keyHash', { count: 4, key: (row) => row.file })
    .rejects({ file_missing: '5%', '*': '5%' })
    .skip('1%')
    .retry({ attempts: 4, backoff: { first: '500ms' } })
    .write(thumbnails)
})
