/** `datasets list|show|cat` and `rollback`: what is published, and which version of it readers see. */
import { once } from 'node:events'
import path from 'node:path'
import {
  datasetFolder,
  listManifests,
  listWindows,
  readManifest,
  readPublished,
  readPublishedFile,
  rollbackManifest,
  tableName,
  tableNotRolledBack,
} from '../../data/index.ts'
import type { Manifest } from '../../data/index.ts'
import type { DatasetDefinition } from '../../job/model.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { Store } from '../../store/contract.ts'
import { allDatasets, currentOf, newestNumber, selectDataset, selectPublished } from '../datasets.ts'
import type { NamedDataset, PublishedWindow } from '../datasets.ts'
import { usageError } from '../failure.ts'
import { firstRecords } from '../first-records.ts'
import { datasetLines, versionLines } from '../render/lists.ts'
import type { DatasetRow, VersionRow } from '../render/lists.ts'
import { rowsInColumns } from '../render/table.ts'
import { isoOrNull, printable } from '../render/text.ts'
import type { Session } from '../session.ts'

/** `batchwright datasets list`: `{ total, items: [dataset] }`. */
export async function list(session: Session): Promise<void> {
  const { terminal, project } = session
  const rows = await Promise.all((await allDatasets(project)).map((dataset) => datasetRow(project.folder, dataset)))
  terminal.printJson({ total: rows.length, items: rows.map((row) => ({ ...row })) })
  terminal.print(rows.length === 0 ? ['no datasets'] : datasetLines(rows, terminal))
}

async function datasetRow(project: string, { definition, jobs }: NamedDataset): Promise<DatasetRow> {
  const published = definition.location.kind === 'published'
  const windows = published ? await listWindows(datasetFolder(project, definition)) : []
  return {
    name: definition.name,
    format: definition.format.format,
    window: definition.window?.kind ?? null,
    kind: definition.location.kind,
    location: definition.location.kind === 'published' ? definition.location.folder : '',
    jobs,
    windows: windows.length,
    latest: windows.at(-1) ?? null,
  }
}

/** `batchwright datasets show NAME`: `{ dataset, columns, checks, versions: { total, items } }`, newest first. */
export async function show(session: Session, name: string, window: string | undefined): Promise<void> {
  const { terminal, project } = session
  const dataset = await selectDataset(project, name)
  const { definition } = dataset
  const folder = definition.location.kind === 'published' ? datasetFolder(project.folder, definition) : null
  const keys =
    folder === null
      ? []
      : window === undefined
        ? await listWindows(folder)
        : [(await selectPublished(project, dataset, window)).key]
  const versions = folder === null ? [] : (await versionsOf(session, name, folder, keys)).toReversed()
  terminal.printJson({
    ...(await datasetRow(project.folder, dataset)),
    columns: columnsOf(definition).map(({ column, type, optional }) => ({ column, type, optional })),
    key: definition.key,
    checks: definition.checks.map(({ name: check, severity }) => ({ check, severity })),
    versions: { total: versions.length, items: versions.map(versionJson) },
  })
  terminal.print([
    ...datasetLines([await datasetRow(project.folder, dataset)], terminal),
    '',
    ...rowsInColumns(
      [{ shrinkTo: 16 }, {}, {}],
      columnsOf(definition).map(({ column, type, optional }) => [column, type, optional ? 'may be blank' : '']),
      { ...terminal, indent: 2 },
    ),
    ...definition.checks.map(({ name: check, severity }) => `  check ${printable(check)} (${severity})`),
    ...(versions.length === 0 ? [] : ['', ...versionLines(versions, { ...terminal, indent: 2 })]),
  ])
}

function columnsOf(definition: DatasetDefinition): readonly { column: string; type: string; optional: boolean }[] {
  return (definition.contract.schema.fields ?? []).map(({ column, type, optional }) => ({
    column,
    type: type.type === 'decimal' ? `decimal(${type.scale})` : type.type,
    optional,
  }))
}

/** What the manifests say, and the store where it remembers when: a manifest's own time is its run's, the same on every replay. */
async function versionsOf(
  session: Session,
  dataset: string,
  folder: string,
  keys: readonly (string | null)[],
): Promise<readonly VersionRow[]> {
  const remembered = session.hasStore() ? await (await session.store()).listPublications({ dataset }) : []
  const publishedAt = new Map(remembered.map((row) => [`${row.window?.key ?? ''} ${row.number}`, row.publishedAt]))
  const rows = keys.map(async (key) => {
    const manifests = await listManifests(folder, key)
    const current = manifests.at(-1)?.number
    return manifests.map((manifest) => ({
      window: key,
      number: manifest.number,
      current: manifest.number === current,
      rows: manifest.records,
      bytes: manifest.bytes,
      runId: manifest.run.id,
      rollbackTo: manifest.rollbackTo,
      publishedAt: publishedAt.get(`${key ?? ''} ${manifest.number}`) ?? null,
    }))
  })
  return (await Promise.all(rows)).flat()
}

function versionJson(version: VersionRow): JsonValue {
  return { ...version, publishedAt: isoOrNull(version.publishedAt) }
}

export interface CatOptions {
  readonly window?: string
  readonly version?: number
  readonly format: 'csv' | 'jsonl'
  readonly limit?: number
  /** Of a dataset of whole files: this one, as it is. */
  readonly file?: string
}

/**
 * `batchwright datasets cat NAME`: rows of a published version on stdout, the dataset's columns in their order; of whole files
 * their list, or with `--file` one of them. With
 * `--json` one object: `{ dataset, window, version, total, items }`. Checksums are verified before the first row is printed.
 */
export async function cat(session: Session, name: string, options: CatOptions): Promise<void> {
  const { terminal, project } = session
  const dataset = await selectDataset(project, name)
  const { location } = dataset.definition
  if (location.kind === 'table') throw rowsElsewhere(name, tableName(location.table))
  const published = await selectPublished(project, dataset, options.window)
  const manifest =
    options.version === undefined
      ? await currentOf(published)
      : await readManifest(published.folder, published.key, options.version)
  if (options.file !== undefined) {
    await printWhole(readPublishedFile(published.folder, manifest, options.file))
    return
  }
  const request = { folder: published.folder, manifest, dataset: dataset.definition }
  if (terminal.json) {
    const lines = firstRecords(readPublished({ ...request, as: 'jsonl' }), 'jsonl', options.limit)
    terminal.printJson(await catJson(manifest, lines))
    return
  }
  const { format } = options
  await printWhole(firstRecords(readPublished({ ...request, as: format }), format, options.limit))
}

function rowsElsewhere(dataset: string, table: string): BatchwrightError {
  return new BatchwrightError({
    code: 'TABLE_ROWS_ELSEWHERE',
    message: `dataset ${dataset}: expected files to print, found a table: its rows lie in ${table}`,
    hint: 'Ask its database: with psql, or sqlite3.',
    details: { dataset, table },
  })
}

async function printWhole(pieces: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const piece of pieces) if (!process.stdout.write(piece)) await once(process.stdout, 'drain')
}

async function catJson(manifest: Manifest, pieces: AsyncIterable<Uint8Array>): Promise<JsonValue> {
  const gathered: Uint8Array[] = []
  for await (const piece of pieces) gathered.push(piece)
  const lines = Buffer.concat(gathered).toString('utf8').split('\n')
  return {
    dataset: manifest.dataset,
    window: manifest.window?.key ?? null,
    version: manifest.number,
    total: manifest.records,
    items: lines.filter((line) => line !== '').map(parsed),
  }
}

function parsed(text: string): JsonValue {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- what JSON.parse gives is JSON
  return JSON.parse(text) as JsonValue
}

export interface RollbackOptions {
  readonly window?: string
  readonly to?: number
}

/** `batchwright rollback NAME`: `{ dataset, window, version, showsVersion }`. Readers see the earlier version as a new number. */
export async function rollback(session: Session, name: string, options: RollbackOptions): Promise<void> {
  const { terminal, project } = session
  const dataset = await selectDataset(project, name)
  if (dataset.definition.location.kind === 'table') throw tableNotRolledBack(name)
  const published = await selectPublished(project, dataset, options.window)
  const current = await currentOf(published)
  const to = await rollbackTarget(published, current, options.to, name)
  const store = await session.store()
  const number = await publishRollback(session, store, published, name, to)
  terminal.printJson({ dataset: name, window: published.key, version: number, showsVersion: to })
  const window = published.key === null ? '' : ` ${published.key}`
  terminal.print([
    `${name}${window} shows version ${to} again, as version ${number} (in ${path.relative(process.cwd(), published.folder) || '.'})`,
  ])
}

/** Follows a chain of rollbacks to the version whose parts are shown. */
async function rollbackTarget(
  published: PublishedWindow,
  current: Manifest,
  to: number | undefined,
  name: string,
): Promise<number> {
  const shown = current.rollbackTo ?? current.number
  if (to !== undefined) {
    const target = await readManifest(published.folder, published.key, to)
    if ((target.rollbackTo ?? target.number) !== shown) return to
    throw usageError({
      code: 'ALREADY_CURRENT',
      message: `version ${to} is what readers of ${JSON.stringify(name)} see already`,
      hint: `\`batchwright datasets show ${name}\` lists the versions`,
      details: { dataset: name, version: to },
    })
  }
  const earlier = (await listManifests(published.folder, published.key)).filter(
    (manifest) => manifest.rollbackTo === null && manifest.number < shown,
  )
  const target = earlier.at(-1)
  if (target !== undefined) return target.number
  throw new BatchwrightError({
    code: 'NO_EARLIER_VERSION',
    message: `${JSON.stringify(name)} has no version before ${shown} to go back to`,
    hint: `\`batchwright datasets show ${name}\` lists the versions; --to N chooses one`,
    details: { dataset: name, version: shown },
  })
}

async function publishRollback(
  session: Session,
  store: Store,
  { folder, key }: PublishedWindow,
  dataset: string,
  toNumber: number,
): Promise<number> {
  const number = await store.intendRollback(dataset, key, toNumber, 'cli', await newestNumber(folder, key))
  const createdAt = new Date(session.clock.now()).toISOString()
  await rollbackManifest({ folder, windowKey: key, number, toNumber, createdAt })
  await store.recordRollback(dataset, key, number, toNumber)
  return number
}
