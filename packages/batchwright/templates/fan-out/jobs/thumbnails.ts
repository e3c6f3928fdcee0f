import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { check, contract, csv, dataset, field, files, job, record, reject, service } from 'batchwright'
import type { FileWriter, RecordOf } from 'batchwright'
import { readPgm, shrink, writePng } from './images.ts'

const item = record({ file: field.text(), title: field.text().optional() })
const entry = record({
  file: field.text(),
  title: field.text(),
  thumbnail: field.text(),
  width: field.integer(),
  height: field.integer(),
})

const images = dataset('images', { files: 'in/images.csv', format: csv(), contract: contract(1, item) })
/** Whole files, published in the same act as the rows that name them. */
const thumbnails = dataset('thumbnails', { location: 'out/thumbnails', format: files() })
const catalogue = dataset('catalogue', {
  location: 'out/catalogue',
  format: csv(),
  key: ['file'],
  contract: contract(1, entry),
  checks: [check.unique('file'), check.range('width', { min: 1, max: 16 })],
})

interface Photos {
  /** Null where there is no such file. */
  read(file: string): Promise<Buffer | null>
}

/** Where the images are: a folder here, an object store where it is one. Opened once for each slot, when first used. */
export const photos = service('photos', {
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

interface Context {
  readonly use: { readonly photos: Photos }
  readonly files: { readonly thumbnails: FileWriter }
}

/** Writes the thumbnail of an image, and says what it is; or says why there is none. */
async function shrunk(row: RecordOf<typeof item>, { use, files: { thumbnails: to } }: Context) {
  const bytes = await use.photos.read(row.file)
  if (bytes === null) return reject('file_missing')
  const image = readPgm(bytes)
  if (image === null) return reject('not_an_image')
  const { width, height, pixels } = shrink(image, 16)
  const { name } = await to.write(`${path.parse(row.file).name}.png`, writePng({ width, height, pixels }))
  return { file: row.file, title: row.title ?? row.file, thumbnail: name, width, height }
}

export default job('thumbnails', { owner: 'media', description: 'A thumbnail of every image' }, (steps) => {
  steps
    .records('shrink')
    .read(images)
    .use({ photos })
    .files({ thumbnails })
    .distinct({ within: 'partition', by: (row) => row.file, reject: 'listed_twice' })
    .process(shrunk, { concurrency: 8 })
    // Rows of one file go to one partition, so that a second one is noticed there.
    .partition('keyHash', { count: 4, key: (row) => row.file })
    .rejects({ file_missing: '5%', '*': '5%' })
    .skip('1%')
    .retry({ attempts: 4, backoff: { first: '500ms' } })
    .write(catalogue)
})
