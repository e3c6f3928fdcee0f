import { didYouMean, Fault, type LookupDefinition, type StepDefinition } from '../../job/index.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import { RowTable } from '../../runtime/index.ts'
import { readGiven } from './read-given.ts'

/** The lookup tables of a step, of rows that a test gives; a lookup that it does not give fails when it is used. */
export function tablesFor(
  step: StepDefinition,
  given: Readonly<Record<string, readonly object[]>>,
): Readonly<Record<string, object>> {
  const known = [...step.lookups.keys()]
  const unknown = Object.keys(given).find((name) => !known.includes(name))
  if (unknown !== undefined) throw unknownLookup(step.name, unknown, known)
  return Object.fromEntries(
    [...step.lookups].map(([name, lookup]) => {
      const rows = given[name]
      return [name, rows === undefined ? missing(step.name, name) : tableOf(step.name, name, lookup, rows)]
    }),
  )
}

function tableOf(step: string, name: string, lookup: LookupDefinition, rows: readonly object[]): object {
  const table = new RowTable(name, lookup)
  const { contract, format } = lookup.dataset
  for (const [index, given] of rows.entries()) {
    const row = readGiven(given, { contract, text: format.format === 'csv', source: `lookup ${name}` })
    const where = `lookup ${name} of step ${step}, row ${String(index + 1)}`
    if (row instanceof Fault) throw misused(`${where} breaks its contract: ${row.message}`)
    if (!table.add({ ...row })) throw misused(`${where}: a second row for the same ${lookup.by.join(', ')}`)
  }
  return table
}

function misused(message: string): BatchwrightError {
  return new BatchwrightError({ code: 'TEST_MISUSED', message, hint: 'Mend the rows that the test gives.' })
}

function missing(step: string, name: string): object {
  const fail = (): never => {
    throw new BatchwrightError({
      code: 'LOOKUP_NOT_GIVEN',
      message: `step ${step} used the lookup ${name}, and the test gives no rows for it`,
      hint: `Give some, or none: lookups: { ${name}: [] }.`,
      details: { step, lookup: name },
    })
  }
  return {
    get: fail,
    has: fail,
    rows: fail,
    get size(): number {
      return fail()
    },
  }
}

function unknownLookup(step: string, given: string, known: readonly string[]): BatchwrightError {
  return new BatchwrightError({
    code: 'LOOKUP_UNKNOWN',
    message: `lookups: step ${step} has no lookup ${JSON.stringify(given)}; it has ${known.join(', ') || 'none'}`,
    hint: `${didYouMean(given, known)}Name it as .lookup({ name: ... }) does.`,
    details: { lookup: given, known },
  })
}
