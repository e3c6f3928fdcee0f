import type { TableLocation } from '../../job/model.ts'
import { qualified, quoted, type SqlValue, type TableConnection } from './connection.ts'

/** A column as its database describes it. */
export interface TableColumn {
  readonly name: string
  /** As people write it: `numeric(12,2)`. */
  readonly type: string
  /** PostgreSQL: the name of the type (`int4`, `numeric`), of a domain that of its base; `enum` for enums. SQLite: its affinity. */
  readonly base: string
  /** Digits after the point that it keeps; null where it keeps any, or is no exact number. */
  readonly scale: number | null
  readonly notNull: boolean
  /** A row that does not name it still gets a value. */
  readonly filled: boolean
  /** The database makes its values: it cannot be written. */
  readonly generated: boolean
}

/** A table as its database describes it. */
export interface TableShape {
  /** Of a view no unique keys are known, and it is only read. */
  readonly kind: 'table' | 'view'
  readonly columns: readonly TableColumn[]
  /** Columns of each unique key. */
  readonly unique: readonly (readonly string[])[]
  /** Rows, as the database estimates them; null where it does not. */
  readonly estimate: number | null
}

/** What a table looks like; null where there is none of that name. */
export async function describeTable(connection: TableConnection, table: TableLocation): Promise<TableShape | null> {
  return connection.database === 'postgres' ? await ofPostgres(connection, table) : await ofSqlite(connection, table)
}

const POSTGRES_COLUMNS = `
  select a.attname, format_type(a.atttypid, a.atttypmod), case when b.typtype = 'e' then 'enum' else b.typname end,
    case when t.typtype = 'd' then t.typtypmod else a.atttypmod end, a.attnotnull or t.typnotnull,
    a.atthasdef or a.attidentity <> '' or t.typdefault is not null, a.attgenerated <> '' or a.attidentity = 'a'
  from pg_attribute a
  join pg_type t on t.oid = a.atttypid
  join pg_type b on b.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end
  where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped
  order by a.attnum`

const POSTGRES_KEYS = `
  select i.indexrelid, a.attname
  from pg_index i
  cross join lateral unnest(i.indkey::int2[]) with ordinality as k(attnum, place)
  join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
  where i.indrelid = to_regclass($1) and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
    and k.place <= i.indnkeyatts
  order by i.indexrelid, k.place`

async function ofPostgres(connection: TableConnection, table: TableLocation): Promise<TableShape | null> {
  const name = qualified(table)
  const [about] = await connection.rows('select relkind, reltuples::int8 from pg_class where oid = to_regclass($1)', [
    name,
  ])
  if (about === undefined) return null
  const columns = await connection.rows(POSTGRES_COLUMNS, [name])
  const keys = await connection.rows(POSTGRES_KEYS, [name])
  const estimate = Number(about[1])
  return {
    kind: about[0] === 'r' || about[0] === 'p' ? 'table' : 'view',
    columns: columns.map(([column, type, base, modifier, notNull, filled, generated]) => ({
      name: String(column),
      type: String(type),
      base: String(base),
      scale: base === 'numeric' ? scaleOf(Number(modifier)) : null,
      notNull: notNull === 't',
      filled: filled === 't',
      generated: generated === 't',
    })),
    unique: grouped(keys.map(([index, column]) => [index ?? null, String(column)])),
    estimate: estimate >= 0 ? estimate : null,
  }
}

/** Of a numeric's type modifier: 4 more than precision << 16 | scale; the scale has 11 bits, the highest of them its sign. */
function scaleOf(modifier: number): number | null {
  if (modifier < 4) return null
  const bits = (modifier - 4) & 0x7ff
  return bits > 0x3ff ? bits - 0x800 : bits
}

async function ofSqlite(connection: TableConnection, { table }: TableLocation): Promise<TableShape | null> {
  const [about] = await connection.rows(
    `select type from sqlite_schema where name = $1 and type in ('table', 'view')`,
    [table],
  )
  if (about === undefined) return null
  const columns = await connection.rows(
    'select name, type, "notnull", dflt_value, pk, hidden from pragma_table_xinfo($1) where hidden <> 1 order by cid',
    [table],
  )
  const keys = await connection.rows(
    `select l.name, i.name from pragma_index_list($1) as l join pragma_index_info(l.name) as i
     where l."unique" = 1 and l.partial = 0 and i.name is not null order by l.seq, i.seqno`,
    [table],
  )
  const primary = columns.filter(([, , , , pk]) => Number(pk) > 0).toSorted((a, b) => Number(a[4]) - Number(b[4]))
  const rowid = primary.length === 1 && /^integer$/i.test(String(primary[0]?.[1]))
  return {
    kind: about[0] === 'table' ? 'table' : 'view',
    columns: columns.map(([column, type, notNull, filled, pk, hidden]) => ({
      name: String(column),
      type: String(type) === '' ? 'any type' : String(type),
      base: affinityOf(String(type)),
      scale: null,
      notNull: Number(notNull) === 1 || Number(pk) > 0,
      filled: filled !== null || (rowid && Number(pk) > 0),
      generated: Number(hidden) > 1,
    })),
    unique: [
      ...(primary.length > 0 ? [primary.map(([column]) => String(column))] : []),
      ...grouped(keys.map(([index, column]) => [index ?? null, String(column)])),
    ],
    estimate: null,
  }
}

/** What SQLite makes of a declared type: https://sqlite.org/datatype3.html, section 3.1. */
function affinityOf(type: string): string {
  if (/int/i.test(type)) return 'INTEGER'
  if (/char|clob|text/i.test(type)) return 'TEXT'
  if (type === '' || /blob|^any$/i.test(type)) return 'BLOB'
  return /real|floa|doub/i.test(type) ? 'REAL' : 'NUMERIC'
}

function grouped(pairs: readonly (readonly [SqlValue, string])[]): readonly (readonly string[])[] {
  const groups = new Map<SqlValue, string[]>()
  for (const [group, name] of pairs) groups.set(group, [...(groups.get(group) ?? []), name])
  return [...groups.values()]
}

/** Columns as a list in a statement. */
export function columnList(columns: readonly string[], prefix = ''): string {
  return columns.map((column) => prefix + quoted(column)).join(', ')
}
