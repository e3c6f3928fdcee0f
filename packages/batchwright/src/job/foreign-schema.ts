import type { StandardSchemaV1 } from '@standard-schema/spec'
import { BatchwrightError } from '../kernel/errors.ts'
import { Fault, type RecordSchema } from './model.ts'

/** Makes a record schema of any Standard Schema: JSON in and out. Without fields it has no columns, so it cannot write CSV. */
export function foreignSchema(schema: StandardSchemaV1): RecordSchema {
  const validate = (value: unknown): StandardSchemaV1.Result<unknown> => {
    const result = schema['~standard'].validate(value)
    if (!(result instanceof Promise)) return result
    // The answer is not waited for; a rejection of it must not end the process.
    result.catch(() => undefined)
    throw new BatchwrightError({
      code: 'SCHEMA_ASYNCHRONOUS',
      message: `expected a schema that validates at once, found one of ${schema['~standard'].vendor} that answers with a promise`,
      hint: 'Take asynchronous refinements and transforms out of the contract; look things up in process() instead.',
    })
  }
  return {
    fields: null,
    compileRow: () => {
      throw withoutColumns('compile a reader for CSV rows')
    },
    readObject: (outside) => {
      const result = validate(outside)
      if (result.issues !== undefined) return faultOf(result.issues)
      if (typeof result.value === 'object' && result.value !== null) return result.value
      return new Fault('bad_value', 'expected the schema to give a record (an object)', null)
    },
    compileJson: () => (record) => JSON.stringify(record),
    compileCsv: () => {
      throw withoutColumns('write CSV')
    },
    check: (record) => {
      const result = validate(record)
      return result.issues === undefined ? null : faultOf(result.issues)
    },
  }
}

function withoutColumns(what: string): BatchwrightError {
  return new BatchwrightError({
    code: 'SCHEMA_WITHOUT_COLUMNS',
    message: `expected a record() of field types to ${what}, found a schema of another library: its columns are not known`,
    hint: 'Describe the dataset with record({ ... }), or use format jsonl().',
  })
}

function faultOf(issues: readonly StandardSchemaV1.Issue[]): Fault {
  const issue = issues[0]
  const path = (issue?.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part))
  const column = path[0] ?? null
  const message = issue?.message ?? 'refused without a message'
  return new Fault('bad_value', column === null ? message : `column ${path.join('.')}: ${message}`, column)
}
