import type { JobDefinition, OutputOf, RulesOf } from '../../job/index.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { ContractSubject } from '../contracts/subject.ts'
import type { StepOutcome, StepReport } from './outcome.ts'
import { testFunction, type FunctionTestOptions } from './test-function.ts'
import { testNamedStep } from './test-named-step.ts'
import type { StepTestOptions } from './setting.ts'

/** Any record, where its type is not known. */
export type AnyRecord = Readonly<Record<string, unknown>>

/**
 * Runs records through a step without an engine, and tells what becomes of each: written, dropped, or dead and why.
 *
 * - `testStep(rate, line)`: a `process` function by itself. `reads` and `writes` name contracts: then the record may be given
 *   as raw columns, is validated as a source would, and what comes out is held against the sink's contract.
 * - `testStep(billing, 'rate', line)`: a step of a job, by name, with its own contracts, `distinct`, state and controls.
 *
 * With a list, all of it goes through in order; keyed state and `distinct` remember. A reduce step takes a list.
 *
 * Throws what is wrong with the test itself: STEP_UNKNOWN, STEP_NOT_TESTABLE, COLUMN_MISSING, WINDOW_INVALID,
 * PARAMETER_INVALID, and FOLD_FAILED of a reduce step, which sets nothing aside.
 */
export function testStep<In extends object, Returned>(
  process: (record: In, context: never) => Returned,
  records: readonly In[],
  options?: FunctionTestOptions,
): Promise<StepReport<OutputOf<Returned>, RulesOf<Returned>>>
export function testStep<In extends object, Returned>(
  process: (record: In, context: never) => Returned,
  records: readonly object[],
  options: FunctionTestOptions & { readonly reads: ContractSubject<In> },
): Promise<StepReport<OutputOf<Returned>, RulesOf<Returned>>>
export function testStep<In extends object, Returned>(
  process: (record: In, context: never) => Returned,
  record: In,
  options?: FunctionTestOptions,
): Promise<StepOutcome<OutputOf<Returned>, RulesOf<Returned>>>
export function testStep<In extends object, Returned>(
  process: (record: In, context: never) => Returned,
  record: object,
  options: FunctionTestOptions & { readonly reads: ContractSubject<In> },
): Promise<StepOutcome<OutputOf<Returned>, RulesOf<Returned>>>
export function testStep<Out extends object = AnyRecord>(
  job: JobDefinition,
  step: string,
  records: readonly object[],
  options?: StepTestOptions,
): Promise<StepReport<Out>>
export function testStep<Out extends object = AnyRecord>(
  job: JobDefinition,
  step: string,
  record: object,
  options?: StepTestOptions,
): Promise<StepOutcome<Out>>
export async function testStep(
  subject: JobDefinition | ((record: never, context: never) => unknown),
  second: string | object,
  third?: object,
  fourth?: StepTestOptions,
): Promise<StepOutcome<object> | StepReport<object>> {
  if (typeof subject === 'function') {
    if (typeof second === 'string') throw misused('a record behind the function')
    return testFunction(subject, second, third ?? {})
  }
  if (typeof second !== 'string' || third === undefined) throw misused('the name of a step and a record behind the job')
  return testNamedStep(subject, second, third, fourth ?? {})
}

function misused(expected: string): BatchwrightError {
  return new BatchwrightError({
    code: 'TEST_MISUSED',
    message: `testStep: expected ${expected}`,
    hint: "Write testStep(process, record) or testStep(job, 'step', record).",
  })
}
