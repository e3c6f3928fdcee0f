/** Finds what a word on the command line means: a run, a step, a dataset, windows, parameters. */
import type { JobDefinition, WindowSpec } from '../job/model.ts'
import type { JsonValue } from '../kernel/errors.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import type { WindowValue } from '../protocol/index.ts'
import type { RunRow, Store } from '../store/contract.ts'
import { usageError } from './failure.ts'
import { plural } from './render/text.ts'
import { runTitle } from './view.ts'
import { suggestion } from './suggest.ts'

/** Runs named in a message before it says how many more there are. */
const NAMED = 4

/** Which run a command is about: the argument, and the window that narrows it. */
export interface RunChoice {
  /** `latest` (the default), a job's name, or the beginning of an id. */
  readonly run?: string | undefined
  /** The latest run of this window. */
  readonly window?: string | undefined
}

/** The run that is meant: the latest, or the latest of a job or window, or the one whose id begins so. */
export async function selectRun(store: Store, choice: RunChoice): Promise<RunRow> {
  const given = choice.run ?? 'latest'
  const ofWindow = choice.window === undefined ? {} : { windowKey: choice.window }
  const [latest] = (await store.listRuns({ limit: 1, ...ofWindow, ...(given === 'latest' ? {} : { job: given }) }))
    .items
  if (latest !== undefined) return latest
  if (choice.window !== undefined) throw await noRunOfWindow(store, given, choice.window)
  if (given === 'latest') throw noRuns()
  const found = await store.findRuns(given, NAMED + 1)
  const [only] = found
  if (only !== undefined && found.length === 1) return only
  const exact = found.find((run) => run.runId === given)
  if (exact !== undefined) return exact
  if (only !== undefined) throw ambiguous(given, found)
  const { total, items } = await store.listRuns({ limit: 200 })
  if (total === 0) throw noRuns()
  const known = [...new Set([...items.map((run) => run.job), 'latest']), ...items.map((run) => run.runId)]
  throw usageError({
    code: 'RUN_UNKNOWN',
    message: `no run's id starts with ${JSON.stringify(given)}, and no job of that name has run`,
    hint: suggestion(given, known, 'batchwright runs'),
    details: { given },
  })
}

async function noRunOfWindow(store: Store, given: string, window: string): Promise<Error> {
  const { items } = await store.listRuns({ limit: 200, ...(given === 'latest' ? {} : { job: given }) })
  const windows = [...new Set(items.flatMap((run) => (run.window === null ? [] : [run.window.key])))]
  return usageError({
    code: 'RUN_UNKNOWN',
    message: `${given === 'latest' ? 'no job' : `no job ${JSON.stringify(given)}`} has run for the window ${window}`,
    hint: suggestion(window, windows, 'batchwright runs'),
    details: { window },
  })
}

function noRuns(): Error {
  return usageError({
    code: 'RUN_UNKNOWN',
    message: 'nothing has run in this project yet',
    hint: '`batchwright jobs` lists the jobs, `batchwright run JOB` runs one',
  })
}

function ambiguous(given: string, found: readonly RunRow[]): Error {
  const named = found.slice(0, NAMED).map((run) => `${run.runId} (${runTitle(run)})`)
  return usageError({
    code: 'RUN_AMBIGUOUS',
    message: `${JSON.stringify(given)} is the beginning of more than one run's id: ${named.join(', ')}${found.length > NAMED ? ', ...' : ''}`,
    hint: 'type more of the id',
    details: { given, runs: found.map((run) => run.runId) },
  })
}

/** Checks that a step of the run has this name. */
export function selectStep(given: string, known: readonly string[], what: string): string {
  if (known.includes(given)) return given
  throw usageError({
    code: 'STEP_UNKNOWN',
    message: `${what} has no step ${JSON.stringify(given)}`,
    hint: suggestion(given, known, 'batchwright show'),
    details: { given, steps: known },
  })
}

/** Most windows of one range; more is probably a typing error. */
const MOST_WINDOWS = 10_000

/** The windows that `--window` means for this job: one, a range `2011-01..2011-06`, or none for a job without windows. */
export function selectWindows(job: JobDefinition, given: string | undefined): readonly (WindowValue | null)[] {
  const spec = job.window
  if (spec === null) {
    if (given === undefined) return [null]
    throw usageError({
      code: 'WINDOW_UNWANTED',
      message: `the job ${JSON.stringify(job.name)} has no windows, and --window ${given} was given`,
      hint: 'leave --window out, or give the job a window',
      details: { job: job.name, window: given },
    })
  }
  if (given === undefined) {
    throw usageError({
      code: 'WINDOW_MISSING',
      message: `the job ${JSON.stringify(job.name)} runs for one ${spec.kind} at a time: which?`,
      hint: `for example \`batchwright run ${job.name} --window ${exampleOf(spec)}\`, or a range: \`--window ${exampleOf(spec)}..${spec.shift(spec.parse(exampleOf(spec)), 5).key}\``,
      details: { job: job.name, kind: spec.kind },
    })
  }
  const ends = given.split('..')
  if (ends.length === 1) return [parseWindow(job, spec, given)]
  const [first = '', last = ''] = ends
  if (ends.length > 2 || first === '' || last === '') {
    throw usageError({
      code: 'WINDOW_INVALID',
      message: `--window ${given}: expected one window, or a first and a last with .. between them`,
      hint: `for example \`--window ${exampleOf(spec)}..${spec.shift(spec.parse(exampleOf(spec)), 5).key}\``,
      details: { window: given },
    })
  }
  return windowsBetween(spec, parseWindow(job, spec, first), parseWindow(job, spec, last), given)
}

/** A window by its key. What is not one is told with the windows that were probably meant. */
function parseWindow(job: JobDefinition, spec: WindowSpec, key: string): WindowValue {
  try {
    return spec.parse(key)
  } catch (thrown) {
    const meant = meantBy(spec, key)
    if (!(thrown instanceof BatchwrightError)) throw thrown
    throw usageError({
      code: 'WINDOW_INVALID',
      message:
        meant === null
          ? `--window ${key}: there is no such ${spec.kind}; one is written as ${exampleOf(spec)}`
          : `--window ${key}: the job ${JSON.stringify(job.name)} runs for one ${spec.kind} at a time, such as ${exampleOf(spec)}`,
      hint: meant === null ? `for example \`--window ${exampleOf(spec)}\`` : `did you mean --window ${meant}?`,
      details: { window: key, kind: spec.kind },
    })
  }
}

/** `2026-3-1` is 2026-03-01, and a month for a job of days is the range of its days; null where nothing is near. */
function meantBy(spec: WindowSpec, key: string): string | null {
  const padded = key
    .trim()
    .replaceAll(/(?<=[-W])(\d)(?!\d)/g, '0$1')
    .replaceAll('/', '-')
  const [, year = '', month = '', day = ''] = /^(\d{4})-?(\d\d)?-?(\d\d)?$/.exec(padded) ?? []
  if (year === '') return null
  const start = new Date(`${year}-${month || '01'}-${day || '01'}T00:00:00Z`)
  const real = !Number.isNaN(start.getTime()) && (day === '' || start.getUTCDate() === Number(day))
  if (!real) return null
  const end = new Date(start)
  if (month === '') end.setUTCFullYear(start.getUTCFullYear() + 1)
  else if (day === '') end.setUTCMonth(start.getUTCMonth() + 1)
  else return spec.containing(start.toISOString()).key
  const windows = spec.within({ start: start.toISOString(), end: end.toISOString() })
  const [first, last] = [windows.at(0), windows.at(-1)]
  if (first === undefined || last === undefined) return spec.containing(start.toISOString()).key
  return first.key === last.key ? first.key : `${first.key}..${last.key}`
}

function windowsBetween(
  spec: WindowSpec,
  first: WindowValue,
  last: WindowValue,
  given: string,
): readonly WindowValue[] {
  if (Date.parse(first.start) > Date.parse(last.start)) {
    throw usageError({
      code: 'WINDOW_INVALID',
      message: `--window ${given}: the first window lies after the last`,
      hint: `swap them: \`--window ${last.key}..${first.key}\``,
      details: { window: given },
    })
  }
  const windows = spec.within({ start: first.start, end: last.end })
  if (windows.length > MOST_WINDOWS) {
    throw usageError({
      code: 'WINDOW_INVALID',
      message: `--window ${given}: that is ${plural(windows.length, 'window')}, more than ${MOST_WINDOWS} at once`,
      hint: 'run a part of the range at a time',
      details: { window: given, windows: windows.length },
    })
  }
  return windows
}

function exampleOf(spec: WindowSpec): string {
  return spec.containing('2011-01-04T10:00:00Z').key
}

/** `name=value` pairs as parameters; values stay text, the job's own schema reads them. */
export function readParameters(pairs: readonly string[]): Readonly<Record<string, JsonValue>> {
  const parameters: Record<string, JsonValue> = {}
  for (const pair of pairs) {
    const cut = pair.indexOf('=')
    if (cut < 1) {
      throw usageError({
        code: 'PARAMETER_INVALID',
        message: `--param ${pair}: expected name=value`,
        hint: 'for example `--param country=GB`',
        details: { given: pair },
      })
    }
    const name = pair.slice(0, cut)
    if (Object.hasOwn(parameters, name)) {
      throw usageError({
        code: 'PARAMETER_INVALID',
        message: `--param ${name} is given twice`,
        hint: 'give each parameter once',
        details: { name },
      })
    }
    parameters[name] = pair.slice(cut + 1)
  }
  return parameters
}
