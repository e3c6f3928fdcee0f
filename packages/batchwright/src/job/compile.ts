/**
 * Readers and writers compiled for one list of fields. The hot loop meets straight-line code and one object shape, without a
 * look-up by name: two to three times faster than closures over the list. This is the only place that makes code from text;
 * the text is ours, field names are identifiers (checked by `record`), and column names enter as quoted JSON.
 */
import type { CompiledField } from './field.ts'
import { Fault, type FieldValue } from './model.ts'
import { show } from './names.ts'

// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- each caller states what its text returns
function compile<Result>(parameters: Readonly<Record<string, unknown>>, body: string): Result {
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- see the top of this file
  const make = new Function(...Object.keys(parameters), `'use strict'\n${body}`)
  // The result's type is what the body returns: each caller below states it beside the text.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
  return Reflect.apply(make, undefined, Object.values(parameters)) as Result
}

/** `r0`, `r1`, ...: the function of each field that `choose` picks. */
function functions(
  fields: readonly CompiledField[],
  choose: (field: CompiledField) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(fields.map((field, index) => [`r${index}`, choose(field)]))
}

function readValues(
  fields: readonly CompiledField[],
  outside: (field: CompiledField, index: number) => string,
): string {
  const reads = fields.map(
    (field, index) =>
      `const v${index} = r${index}(${outside(field, index)}); if (v${index} instanceof Fault) return v${index}`,
  )
  return `${reads.join('\n')}\nreturn { ${fields.map((field, index) => `${field.name}: v${index}`).join(', ')} }`
}

export function compileRow(
  fields: readonly CompiledField[],
  columns: readonly number[],
): (cells: readonly string[]) => object | Fault {
  const cell = (_: CompiledField, index: number): string => {
    const column = columns[index] ?? -1
    return column < 0 ? 'undefined' : `cells[${Math.trunc(column)}]`
  }
  return compile(
    { Fault, ...functions(fields, (field) => field.readCell) },
    `return function readRow(cells) {\n${readValues(fields, cell)}\n}`,
  )
}

export function compileObject(fields: readonly CompiledField[]): (value: unknown) => object | Fault {
  return compile(
    { Fault, notAnObject, ...functions(fields, (field) => field.readJsonValue) },
    `return function readObject(outside) {
if (typeof outside !== 'object' || outside === null || Array.isArray(outside)) return notAnObject(outside)
${readValues(fields, (field) => `outside[${JSON.stringify(field.column)}]`)}\n}`,
  )
}

function notAnObject(value: unknown): Fault {
  return new Fault('bad_value', `expected a record, found ${show(value)}`, null)
}

export function compileJson(fields: readonly CompiledField[]): (record: object) => string {
  const members = fields.map((field, index) => {
    const value = `record.${field.name}`
    const start = JSON.stringify(`${index === 0 ? '{' : ','}${JSON.stringify(field.column)}:`)
    const text = jsonExpression(field, value)
    return `${start} + ${field.optional ? `(${value} === null ? 'null' : ${text})` : text}`
  })
  return compile({ quoteJson }, `return function toJson(record) { return ${members.join(' + ')} + '}' }`)
}

function jsonExpression(field: CompiledField, value: string): string {
  switch (field.type.type) {
    case 'text':
    case 'oneOf':
      return `quoteJson(${value})`
    case 'decimal':
      return `'"' + ${value}.toFixed(${field.type.scale}) + '"'`
    case 'integer':
    case 'number':
    case 'boolean':
      return `String(${value})`
    case 'date':
    case 'timestamp':
      return `'"' + ${value} + '"'`
    case 'json':
      return `JSON.stringify(${value})`
  }
}

/** Beyond this length the native routine wins over the loop that finds nothing to escape. */
const SHORT_TEXT = 48

function quoteJson(text: string): string {
  if (text.length > SHORT_TEXT) return JSON.stringify(text)
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code < 32 || code === 34 || code === 92 || code >= 0xd800) return JSON.stringify(text)
  }
  return `"${text}"`
}

export function compileCsv(
  fields: readonly CompiledField[],
  dialect: { readonly delimiter: string; readonly quote: string } = { delimiter: ',', quote: '"' },
): (record: object) => string {
  const quoteCell = cellQuoter(dialect.delimiter, dialect.quote)
  // A line without anything on it is no record: the only cell of a row must show itself.
  const nothing = JSON.stringify(fields.length === 1 ? dialect.quote + dialect.quote : '')
  const cells = fields.map((field, index) => {
    const value = `record.${field.name}`
    const text = csvExpression(field, index, value)
    return field.optional ? `(${value} === null ? ${nothing} : ${text})` : text
  })
  return compile(
    { quoteCell, ...functions(fields, (field) => (value: FieldValue) => field.toText(value)) },
    `return function toCsv(record) { return ${cells.join(` + ${JSON.stringify(dialect.delimiter)} + `)} }`,
  )
}

function csvExpression(field: CompiledField, index: number, value: string): string {
  switch (field.type.type) {
    case 'decimal':
      return `${value}.toFixed(${field.type.scale})`
    case 'integer':
    case 'number':
    case 'boolean':
      return `String(${value})`
    case 'date':
    case 'timestamp':
      return value
    case 'text':
    case 'oneOf':
      return `quoteCell(${value})`
    case 'json':
      return `quoteCell(r${index}(${value}))`
  }
}

function cellQuoter(delimiter: string, quote: string): (text: string) => string {
  const delimiterCode = delimiter.charCodeAt(0)
  const quoteCode = quote.charCodeAt(0)
  return (text) => {
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index)
      if (code === delimiterCode || code === quoteCode || code === 10 || code === 13) {
        return quote + text.replaceAll(quote, quote + quote) + quote
      }
    }
    return text
  }
}

export function compileCheck(fields: readonly CompiledField[]): (record: unknown) => Fault | null {
  const names = new Set(fields.map((field) => field.name))
  const extra = (record: object): Fault | null => {
    const name = Object.keys(record).find((key) => !names.has(key))
    if (name === undefined) return null
    return new Fault('extra_column', `column ${name}: the contract does not have it; leave it out of the record`, name)
  }
  const refuse = (index: number, record: Readonly<Record<string, unknown>>): Fault | null => {
    const field = fields[index]
    if (field === undefined) return null
    if (field.name in record) return field.refuse(record[field.name])
    return new Fault('missing_column', `column ${field.name}: the contract has it, the record does not`, field.name)
  }
  const tests = fields.map(
    (field, index) =>
      `if (!(${checkExpression(field, index, `record.${field.name}`)})) return refuse(${index}, record)`,
  )
  return compile(
    { notAnObject, extra, refuse, ...functions(fields, (field) => field.holds) },
    `return function check(record) {
if (typeof record !== 'object' || record === null || Array.isArray(record)) return notAnObject(record)
${tests.join('\n')}
let count = 0
for (const name in record) count += 1
return count === ${fields.length} ? null : extra(record)
}`,
  )
}

/** The common kinds in place, the others by their own test. */
function checkExpression(field: CompiledField, index: number, value: string): string {
  const test =
    field.type.type === 'text' && !field.optional
      ? `typeof ${value} === 'string' && ${value}.charCodeAt(0) > 32 || r${index}(${value})`
      : field.type.type === 'integer'
        ? `Number.isSafeInteger(${value})`
        : `r${index}(${value})`
  return field.optional ? `${value} === null || ${test}` : test
}
