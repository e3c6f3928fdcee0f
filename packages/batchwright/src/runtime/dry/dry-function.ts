import type { Fault } from '../../job/index.ts'
import { type ProcessContext } from '../../job/index.ts'
import { reportError } from '../../kernel/errors.ts'
import { isThenable, GivenByName, readResult } from '../records/operations.ts'
import { userStack } from '../records/user-stack.ts'
import { callable } from '../user-function.ts'
import type { DryFate } from './dry-records.ts'

/** One record through a `process` function that belongs to no step; what it gives by name is accepted under any name. */
export async function dryFunction(
  process: (record: never, context: never) => unknown,
  record: object,
  context: ProcessContext,
  check: ((record: object) => Fault | null) | null,
): Promise<DryFate> {
  try {
    const given = callable<[object, ProcessContext]>(process)(record, context)
    const result = readResult(isThenable(given) ? await given : given)
    if (result.kind === 'rejected') {
      const { rule, detail } = result
      return { fate: 'dead', cause: 'rule', reason: rule, message: detail ?? rule, error: null, stack: null }
    }
    const records = result.records.filter((each) => !(each instanceof GivenByName))
    const named = Map.groupBy(
      result.records.filter((each) => each instanceof GivenByName),
      ({ output }) => output,
    )
    if (result.records.length === 0) return { fate: 'dropped' }
    for (const each of records) {
      const fault = check?.(each) ?? null
      if (fault !== null) return refused(fault)
    }
    const byName = [...named].map(([name, all]) => [name, all.map((each) => each.record)] as const)
    return { fate: 'written', records, named: Object.fromEntries(byName), files: [] }
  } catch (thrown) {
    return failed(thrown)
  }
}

function refused({ reason, message }: Fault): DryFate {
  const text = `a record to be written does not meet the contract: ${message}`
  return {
    fate: 'dead',
    cause: 'error',
    reason: 'OUTPUT_INVALID',
    message: `${text} (${reason})`,
    error: null,
    stack: null,
  }
}

function failed(thrown: unknown): DryFate {
  const { code, message, stack } = reportError(thrown)
  return {
    fate: 'dead',
    cause: 'error',
    reason: code,
    message,
    error: thrown,
    stack: stack === undefined ? null : userStack(stack),
  }
}
