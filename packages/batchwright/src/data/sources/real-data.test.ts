import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { Fault } from '../../job/model.ts'
import { FilesProject } from '../fixtures/files-project.ts'
import { filesDataset, foreignSchema, textSchema } from '../fixtures/text-schema.ts'
import { splitRow } from '../formats/csv-row.ts'

const repository = path.resolve(import.meta.dirname, '../../../../..')
const realData = process.env['BATCHWRIGHT_REAL_DATA'] ?? path.join(repository, '../shared/data')

/** The rows of a small CSV table as objects, read without the readers under test. */
function table(file: string): Readonly<Record<string, string>>[] {
  const [header = '', ...lines] = readFileSync(file, 'utf8').trimEnd().split(/\r?\n/)
  const names = header.split(',')
  return lines.map((line) => {
    const { cells } = splitRow(line, ',', '"')
    return Object.fromEntries(names.map((name, index) => [name, cells[index] ?? '']))
  })
}

/** There the data must be present: its absence is a failure, not a reason to pass over these tests. */
const inCi = process.env['CI'] === 'true'

test.runIf(inCi || existsSync(path.join(realData, 'retail/files.csv')))(
  'seven months of retail files have the rows that their list counts, planned and read alike',
  async () => {
    await using project = await FilesProject.create()
    const listed = table(path.join(realData, 'retail/files.csv'))
    const columns = [
      'InvoiceNo',
      'StockCode',
      'Description',
      'Quantity',
      'InvoiceDate',
      'UnitPrice',
      'CustomerID',
      'Country',
    ]
    const dataset = filesDataset([path.join(realData, 'retail/files/*.csv.gz')], textSchema(columns))
    const { planned, seen } = await project.readAll(dataset)
    const planRows = planned.files.map((file) => [path.basename(file.path, '.gz'), String(file.records)])
    expect(planRows).toEqual(listed.map((file) => [file['name'], file['rows']]))
    expect(planned.partitions.length).toBe(listed.length)
    expect(seen.length).toBe(245_903)
    expect(seen.some(({ record }) => record instanceof Fault)).toBe(false)
  },
)

test.runIf(inCi || existsSync(path.join(realData, 'daily-reports/files.csv')))(
  'daily reports with byte order marks, CRLF and changing columns have the rows and digests that their list has',
  async () => {
    await using project = await FilesProject.create()
    const listed = table(path.join(realData, 'daily-reports/files.csv'))
    const schema = foreignSchema((value) => (typeof value === 'object' && value !== null ? value : {}))
    const dataset = filesDataset([path.join(realData, 'daily-reports/files/*.csv')], schema)
    const { planned, seen } = await project.readAll(dataset)
    const found = planned.files.map((file) => [path.basename(file.path), String(file.records), file.sha256])
    expect(found).toEqual(listed.map((file) => [file['name'], file['rows'], file['sha256']]))
    expect(seen.length).toBe(218_107)
  },
)
