import {
  asItem,
  type EachDefinition,
  type FunctionStep,
  type ItemsContext,
  type JobDefinition,
} from '../../job/index.ts'
import { BatchwrightError, type JsonValue } from '../../kernel/errors.ts'
import type { AttemptPort, PartitionPlan, PlanAssignment } from '../../protocol/index.ts'
import { findStep } from '../find-step.ts'
import type { SlotHost } from '../host.ts'
import { portLog } from '../log.ts'
import type { Stops } from '../stop.ts'

/** Characters of a text that are shown of an item. */
const LABEL_LENGTH = 80
/** Characters of an item's JSON: it travels with its task, and is kept for as long as the run. */
const LARGEST_ITEM = 16_384

/** What planning has at hand beside the assignment. */
export interface PlanningMeans {
  readonly job: JobDefinition
  readonly port: AttemptPort
  readonly host: SlotHost
  readonly stops: Stops
}

/** One partition for each item of a step, in the order of the items, made one by one. */
export async function* planItems(
  assignment: PlanAssignment,
  step: FunctionStep,
  each: EachDefinition,
  means: PlanningMeans,
): AsyncGenerator<PartitionPlan> {
  let index = 0
  for await (const given of await itemsOf(assignment, step, each, means)) {
    yield partitionOf(step.name, index, given, means.host)
    index += 1
  }
}

function partitionOf(step: string, index: number, given: unknown, host: SlotHost): PartitionPlan {
  const item = asItem(given)
  if (item === undefined) throw invalid(step, `expected item ${index} to be plain JSON, found ${nameOf(given)}`)
  const size = typeof item === 'object' || typeof item === 'string' ? JSON.stringify(item).length : 0
  if (size > LARGEST_ITEM) {
    throw invalid(step, `expected items of at most ${LARGEST_ITEM} characters of JSON, item ${index} has ${size}`)
  }
  if (host.redactor.holds(item)) throw invalid(step, `expected no secret of a service in item ${index}, found one`)
  return { index, payload: item, label: labelOf(item, index), records: null, bytes: null }
}

/** Texts and numbers are their own names; of other items the place is shown. */
function labelOf(item: JsonValue, index: number): string {
  if (typeof item === 'number') return String(item)
  if (typeof item !== 'string' || item === '') return `item ${index}`
  return item.length <= LABEL_LENGTH ? item : `${item.slice(0, LABEL_LENGTH - 1)}…`
}

async function itemsOf(
  assignment: PlanAssignment,
  step: FunctionStep,
  each: EachDefinition,
  means: PlanningMeans,
): Promise<Iterable<unknown> | AsyncIterable<unknown>> {
  switch (each.from) {
    case 'count':
      return numbers(each.count)
    case 'list':
      return each.items
    case 'function': {
      const context = await contextOf(assignment, step, means)
      const given = await means.stops.unless(Promise.resolve(each.items(context)))
      return readItems(step.name, given)
    }
  }
}

function readItems(step: string, given: unknown): Iterable<unknown> | AsyncIterable<unknown> {
  if (typeof given === 'number' && Number.isSafeInteger(given) && given >= 0) return numbers(given)
  if (typeof given === 'object' && given !== null && (isIterable(given) || isAsyncIterable(given))) return given
  throw invalid(step, `expected each to give a number, a list, or items one by one, found ${nameOf(given)}`)
}

function* numbers(count: number): Generator<number> {
  for (let number = 0; number < count; number += 1) yield number
}

function isIterable(value: object): value is Iterable<unknown> {
  return Symbol.iterator in value && typeof value[Symbol.iterator] === 'function'
}

function isAsyncIterable(value: object): value is AsyncIterable<unknown> {
  return Symbol.asyncIterator in value && typeof value[Symbol.asyncIterator] === 'function'
}

async function contextOf(
  { run, upstream }: PlanAssignment,
  step: FunctionStep,
  { job, port, host, stops }: PlanningMeans,
): Promise<ItemsContext> {
  const log = portLog(port, host)
  const warn = (message: string): void => {
    log('warn', message)
  }
  const services = await stops.unless(host.services.use(step.services, warn))
  return {
    window: run.window,
    parameters: run.parameters,
    logicalTime: run.logicalTime,
    use: services.clients,
    results: resultsOf(upstream, job),
    signal: stops.hard,
    log,
  }
}

function resultsOf(upstream: PlanAssignment['upstream'], job: JobDefinition): Readonly<Record<string, JsonValue>> {
  return Object.fromEntries(
    upstream.flatMap((output): readonly (readonly [string, JsonValue])[] => {
      const step = findStep(job, output.step)
      if (step.kind !== 'function' || step.each !== null) return []
      return [[step.name, output.tasks[0]?.output.result ?? null]]
    }),
  )
}

function nameOf(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'object') return 'an object'
  return value === undefined ? 'nothing' : `a ${typeof value}`
}

function invalid(step: string, problem: string): BatchwrightError {
  return new BatchwrightError({
    code: 'ITEMS_INVALID',
    message: `step ${step}: ${problem}`,
    hint: 'Give ids, names and paths as items, and let the function of the step find the rest.',
    details: { step },
  })
}
