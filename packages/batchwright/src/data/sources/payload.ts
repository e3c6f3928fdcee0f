import type { JsonValue } from '../../kernel/errors.ts'
import type { BlockRange } from '../snapshot/block-index.ts'
import type { Share } from './share.ts'

/** A slice of one file: whole blocks of it. Small: what is big stands in the index that `blocks` points into. */
export interface FileSlice {
  readonly kind: 'file'
  /** Relative to the project folder where it lies inside it. */
  readonly path: string
  readonly windowKey: string | null
  readonly format: 'csv' | 'jsonl'
  readonly compression: 'none' | 'gzip'
  readonly sha256: string
  /** Size of the file on disk when it was planned. */
  readonly fileBytes: number
  readonly blocks: BlockRange
  /** Byte where data starts in the file, after byte order mark and header. */
  readonly dataOffset: number
  /** Names of the file's columns; null for JSON Lines. */
  readonly columns: readonly string[] | null
  /** Contract version that the file was written under. */
  readonly contractVersion: number
  /** For a partition by key: it keeps the records whose key falls to `share` of `of`. */
  readonly share: Share | null
  /** Of a partition that was cut while it ran: the first record of its piece. Null: the first of the blocks. */
  readonly since: LinePosition | null
  /** And the first one behind it. Null: it ends with the blocks. */
  readonly until: LinePosition | null
}

/** Some finished tasks of a step that this one reads. */
export interface UpstreamSlice {
  readonly kind: 'upstream'
  readonly step: string
  /** Where in a plan file the tasks and their parts are listed; its path relative to the run's folder. */
  readonly list: { readonly path: string; readonly offset: number; readonly bytes: number }
  readonly share: Share | null
  /** Of a partition that was cut while it ran: where its piece begins, and where it ends. Null: with the list. */
  readonly since: UpstreamPosition | null
  readonly until: UpstreamPosition | null
}

/** Where a reader of an upstream step stands: records taken of the task at place `task` in the partition's list. */
export interface UpstreamPosition {
  readonly task: number
  readonly record: number
}

/** A part of a published version in Parquet. */
export interface ParquetSlice {
  readonly kind: 'parquet'
  readonly path: string
  readonly windowKey: string | null
  readonly sha256: string
  readonly records: number
  readonly bytes: number
  readonly share: Share | null
  /** Of a partition that was cut while it ran: records of the part before its piece, and before what follows it. */
  readonly since: number
  readonly until: number
}

/** Where a reader of lines stands: the next record's byte (decompressed content for gzip), and records before it in the file. */
export interface LinePosition {
  readonly offset: number
  readonly record: number
}

export function filePayload(slice: FileSlice): JsonValue {
  const { since, until, ...rest } = slice
  return { ...rest, ...bounds(since, until), blocks: { ...slice.blocks }, share: sharePayload(slice.share) }
}

export function upstreamPayload(slice: UpstreamSlice): JsonValue {
  const { since, until, ...rest } = slice
  return { ...rest, ...bounds(since, until), list: { ...slice.list }, share: sharePayload(slice.share) }
}

export function parquetPayload(slice: ParquetSlice): JsonValue {
  const { since, until, ...rest } = slice
  const whole = since === 0 && until === slice.records
  return { ...rest, ...(whole ? {} : { since, until }), share: sharePayload(slice.share) }
}

function sharePayload(share: Share | null): JsonValue {
  return share === null ? null : { ...share }
}

/** Only pieces of partitions that were cut have bounds: the payload of a planned one is as it always was. */
function bounds(since: object | null, until: object | null): { readonly [name: string]: JsonValue } {
  return {
    ...(since === null ? {} : { since: { ...since } }),
    ...(until === null ? {} : { until: { ...until } }),
  }
}

export function readParquetSlice(payload: JsonValue): ParquetSlice | null {
  if (!isObject(payload) || payload['kind'] !== 'parquet') return null
  return {
    kind: 'parquet',
    path: text(payload['path']),
    windowKey: payload['windowKey'] === null ? null : text(payload['windowKey']),
    sha256: text(payload['sha256']),
    records: number(payload['records']),
    bytes: number(payload['bytes']),
    share: readShare(payload['share']),
    since: number(payload['since'] ?? 0),
    until: number(payload['until'] ?? payload['records']),
  }
}

export function readUpstreamSlice(payload: JsonValue): UpstreamSlice | null {
  if (!isObject(payload) || payload['kind'] !== 'upstream') return null
  const list = payload['list']
  if (list === undefined || !isObject(list)) return null
  return {
    kind: 'upstream',
    step: text(payload['step']),
    list: { path: text(list['path']), offset: number(list['offset']), bytes: number(list['bytes']) },
    share: readShare(payload['share']),
    since: readUpstreamPosition(payload['since'] ?? null),
    until: readUpstreamPosition(payload['until'] ?? null),
  }
}

/** Reads a position back; null is the partition's beginning. */
export function readUpstreamPosition(position: JsonValue): UpstreamPosition | null {
  if (position === null) return null
  if (!isObject(position)) throw new TypeError(`expected a position {task, record}, found ${JSON.stringify(position)}`)
  return { task: number(position['task']), record: number(position['record']) }
}

/** Reads the share of a payload back; null for all records. */
export function readShare(share: JsonValue | undefined): Share | null {
  return share !== undefined && isObject(share) ? { share: number(share['share']), of: number(share['of']) } : null
}

/** Reads a payload back; null where it is of another kind. */
export function readFileSlice(payload: JsonValue): FileSlice | null {
  if (!isObject(payload) || payload['kind'] !== 'file') return null
  const blocks = payload['blocks']
  const columns = payload['columns']
  if (blocks === undefined || !isObject(blocks)) return null
  return {
    kind: 'file',
    path: text(payload['path']),
    windowKey: payload['windowKey'] === null ? null : text(payload['windowKey']),
    format: payload['format'] === 'jsonl' ? 'jsonl' : 'csv',
    compression: payload['compression'] === 'gzip' ? 'gzip' : 'none',
    sha256: text(payload['sha256']),
    fileBytes: number(payload['fileBytes']),
    blocks: { path: text(blocks['path']), from: number(blocks['from']), to: number(blocks['to']) },
    dataOffset: number(payload['dataOffset']),
    columns: Array.isArray(columns) ? columns.map(text) : null,
    contractVersion: number(payload['contractVersion']),
    share: readShare(payload['share']),
    since: readLinePosition(payload['since'] ?? null),
    until: readLinePosition(payload['until'] ?? null),
  }
}

/** Reads a position back; null is the partition's beginning. */
export function readLinePosition(position: JsonValue): LinePosition | null {
  if (position === null) return null
  if (!isObject(position))
    throw new TypeError(`expected a position {offset, record}, found ${JSON.stringify(position)}`)
  return { offset: number(position['offset']), record: number(position['record']) }
}

export function isObject(value: JsonValue): value is { readonly [key: string]: JsonValue } {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

export function text(value: JsonValue | undefined): string {
  if (typeof value === 'string') return value
  throw new TypeError(`expected text, found ${JSON.stringify(value)}`)
}

export function number(value: JsonValue | undefined): number {
  if (typeof value === 'number') return value
  throw new TypeError(`expected a number, found ${JSON.stringify(value)}`)
}
