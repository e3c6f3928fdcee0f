import type { JsonValue } from '../../kernel/errors.ts'
import { isObject, number, readShare, text } from '../sources/payload.ts'
import type { Share } from '../sources/share.ts'
import { readKey, type RowRange, type SqlKey } from './range.ts'

/** A range of keys of a live table: what a partition of it is. */
export interface TableSlice {
  readonly kind: 'table'
  /** `postgres:public.accounts[3]`: the table and the planned partition, wherever it was cut later. Names dead letters. */
  readonly source: string
  readonly windowKey: string | null
  /** Of the snapshot that was planned. */
  readonly digest: string
  readonly range: RowRange
  /** The rows begin behind this key; null: at the first. */
  readonly after: readonly SqlKey[] | null
  /** And end with this one; null: with the last. */
  readonly until: readonly SqlKey[] | null
  /** Rows of the planned partition before them. */
  readonly first: number
  readonly share: Share | null
}

export function tablePayload({ range, after, until, share, ...slice }: TableSlice): JsonValue {
  return {
    ...slice,
    range: {
      window: range.window === null ? null : { ...range.window },
      asOf: range.asOf === null ? null : { ...range.asOf },
    },
    after: after === null ? null : [...after],
    until: until === null ? null : [...until],
    share: share === null ? null : { ...share },
  }
}

/** Reads a payload back; null where it is of another kind. */
export function readTableSlice(payload: JsonValue): TableSlice | null {
  if (!isObject(payload) || payload['kind'] !== 'table') return null
  return {
    kind: 'table',
    source: text(payload['source']),
    windowKey: payload['windowKey'] === null ? null : text(payload['windowKey']),
    digest: text(payload['digest']),
    range: readRange(payload['range'] ?? null),
    after: readKey(payload['after']),
    until: readKey(payload['until']),
    first: number(payload['first']),
    share: readShare(payload['share']),
  }
}

function readRange(range: JsonValue): RowRange {
  const { window, asOf } = isObject(range) ? range : {}
  return {
    window:
      window !== undefined && isObject(window)
        ? {
            column: text(window['column']),
            from: text(window['from']),
            to: window['to'] === null ? null : text(window['to']),
          }
        : null,
    asOf:
      asOf !== undefined && isObject(asOf)
        ? {
            column: text(asOf['column']),
            mark: typeof asOf['mark'] === 'number' ? asOf['mark'] : text(asOf['mark']),
          }
        : null,
  }
}

/** Where a reader of a table stands: the last key it gave, and how many rows of the planned partition that makes. */
export interface TablePosition {
  readonly after: readonly SqlKey[] | null
  readonly record: number
}

/** Reads a position back; null is the partition's beginning. */
export function readTablePosition(position: JsonValue, slice: TableSlice): TablePosition {
  if (!isObject(position)) return { after: slice.after, record: slice.first }
  return { after: readKey(position['after']), record: number(position['record']) }
}
