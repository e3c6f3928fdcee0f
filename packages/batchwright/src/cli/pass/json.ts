import type { JsonValue } from '../../kernel/errors.ts'
import type { Problem } from './verdict.ts'
import { typeProblems } from './verdict.ts'
import type { TypesReport } from './types.ts'

/** Reports come from another process as JSON: their interfaces say less than that to the type checker. */
export function plainJson(value: object): JsonValue {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- see above
  return value as unknown as JsonValue
}

export function problemJson({ level, code, message, hint, place }: Problem): JsonValue {
  return {
    level,
    code,
    message,
    hint,
    place: place === null ? null : { file: place.file, line: place.line, column: place.column },
  }
}

export function typesJson(types: TypesReport): JsonValue {
  if (types.state === 'unchecked') return { state: types.state, why: types.why }
  return { state: types.state, version: types.version, problems: typeProblems(types).map(problemJson) }
}
