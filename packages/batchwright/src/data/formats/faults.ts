import { Fault } from '../../job/model.ts'

/** Faults of a record as such, before any field is read. Not Errors: there may be millions. */

export function fieldCount(expected: number, found: number): Fault {
  return new Fault('field_count', `expected ${expected} fields, found ${found}`, null)
}

export function invalidUtf8(): Fault {
  return new Fault('invalid_utf8', 'expected UTF-8, found bytes that are not', null)
}

export function tooLarge(bytes: number, limit: number): Fault {
  return new Fault('too_large', `expected a record of at most ${limit} bytes, found ${bytes}`, null)
}

export function unterminatedQuote(): Fault {
  return new Fault('unterminated_quote', 'expected a closing quote, found the end of the file', null)
}

export function badJson(detail: string): Fault {
  return new Fault('bad_json', `expected a JSON object, found ${detail}`, null)
}
