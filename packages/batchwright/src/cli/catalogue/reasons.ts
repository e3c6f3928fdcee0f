import type { CatalogueEntry } from './entry.ts'

/** Reasons of dead letters that break a contract. A job's own rules have reasons of their own, which its author knows. */
export const REASONS: Readonly<Record<Lowercase<string>, CatalogueEntry>> = {
  blank: {
    title: 'A field is empty that must not be',
    meaning:
      'A blank is never a zero and never an empty word by itself: a field without `optional()` or `default()` needs a value.',
    causes: ['The data has a gap.'],
    remedies: [
      '`field.text().optional()` makes it null; `.default(...)` gives it a value.',
      'Or mend the record and replay it: `batchwright dead-letters replay ID`.',
    ],
    example: {
      message: 'price: expected a decimal, found a blank',
      remedy: 'price: field.decimal({ scale: 2 }).optional()',
    },
  },
  bad_number: {
    title: 'A field is no number, or one that does not fit',
    meaning: 'The text cannot be read as the whole number or decimal that the field declares.',
    causes: [
      'Thousands separators, a currency sign, a decimal comma.',
      'More digits after the point than `scale`.',
      'Columns that have slipped.',
    ],
    remedies: [
      "A decimal comma: declare the field as text, `price: field.text()`, and make the number in `process`: `{ ...order, price: Decimal.from(order.price.replace(',', '.')) }`. The dataset that is written declares it as `field.decimal({ scale: 2 })`.",
      'Anything else is cleaned in `process` in the same way; or mend the record and replay it.',
    ],
    example: {
      message: 'price: expected a decimal with at most 2 digits after the point, found "1,50"',
      remedy: "Decimal.from(order.price.replace(',', '.'))",
    },
  },
  bad_date: {
    title: 'A field is no date or time of its format',
    meaning: 'The text does not follow the format of the field, or names a day that the calendar does not have.',
    causes: ['Another order of day and month.', 'A time zone that is missing.'],
    remedies: ["Name the format: `field.date({ format: 'DD/MM/YYYY' })`."],
    example: {
      message: 'day: expected a date as YYYY-MM-DD, found "31/02/2011"',
      remedy: "day: field.date({ format: 'DD/MM/YYYY' })",
    },
  },
  bad_value: {
    title: 'A field is none of the values it may have',
    meaning: 'The text is not in the list of the field, no boolean, or no JSON.',
    causes: ['A new code that the data uses since a while.', 'Other upper and lower case.'],
    remedies: ['Add the value: `field.oneOf([...])`.'],
    example: {
      message: 'kind: expected one of invoice, credit, found "Invoice"',
      remedy: "kind: field.oneOf(['invoice', 'credit', 'Invoice'])",
    },
  },
  field_count: {
    title: 'A line has more or fewer fields than the header',
    meaning: 'The record cannot be told apart into columns safely, so none of it is used.',
    causes: [
      'A delimiter inside a field that is not quoted.',
      'A line break inside a field that is not quoted.',
      'A line that was cut.',
    ],
    remedies: ['Let whoever delivers the file quote such fields.', 'Or mend the record and replay it.'],
    example: { message: 'expected 3 fields, found 4', remedy: 'batchwright dead-letters show ID' },
  },
  invalid_utf8: {
    title: 'A record is no UTF-8',
    meaning: 'Files are read as UTF-8. Bytes that are none would become other letters without a word.',
    causes: ['The file is in Latin-1 or Windows-1252.'],
    remedies: ['Convert it: `iconv -f WINDOWS-1252 -t UTF-8 in.csv > out.csv`.'],
    example: {
      message: 'expected UTF-8, found bytes that are not',
      remedy: 'iconv -f WINDOWS-1252 -t UTF-8 old.csv > in/2026-03-01.csv',
    },
  },
  too_large: {
    title: 'A record is larger than any should be',
    meaning: 'One record reached the limit on its size. Mostly it is many records that a stray quote has joined.',
    causes: ['A quote that is not closed.', 'A file of another format.'],
    remedies: [
      'Look at where it begins: `batchwright dead-letters show ID`.',
      "Where records are that large: `csv({ maxRecord: '64MB' })`.",
    ],
    example: {
      message: 'expected a record of at most 16777216 bytes, found 16777217',
      remedy: 'batchwright dead-letters show ID',
    },
  },
  unterminated_quote: {
    title: 'A quote is opened and never closed',
    meaning: 'The file ends inside a quoted field.',
    causes: ['The file was cut.', 'A quote inside a field that is not doubled.'],
    remedies: [
      'Look at where it begins: `batchwright dead-letters show ID`.',
      "Where quotes mean nothing in the data, name a character that it never has: `csv({ quote: '\\u0001' })`.",
    ],
    example: { message: 'expected a closing quote, found the end of the file', remedy: 'tail -1 in/2026-03-01.csv' },
  },
  bad_json: {
    title: 'A line is no JSON object',
    meaning: 'JSON Lines hold one object on each line.',
    causes: ['A file that is one large JSON array.', 'A line that was cut.'],
    remedies: ["Turn an array into lines: `jq -c '.[]' in.json > in.jsonl`."],
    example: { message: 'expected a JSON object, found a list', remedy: "jq -c '.[]' in.json > in/2026-03-01.jsonl" },
  },
}
