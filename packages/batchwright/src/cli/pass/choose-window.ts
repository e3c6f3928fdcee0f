/** The window that a look at a job is about, where nobody names one. */
import { globSync } from 'node:fs'
import path from 'node:path'
import { datasetFolder, listWindows, resolvePaths } from '../../data/index.ts'
import { datasetInputs } from '../../dry-run/index.ts'
import type { DatasetDefinition, JobDefinition, WindowSpec } from '../../job/index.ts'
import { windowDate } from '../../job/index.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { WindowValue } from '../../protocol/index.ts'
import { chooseWindows } from '../../runtime/index.ts'

export interface WindowChoice {
  readonly window: WindowValue | null
  /** Why this one. */
  readonly why: 'no windows' | 'the last complete' | 'the latest with input' | 'no input found'
}

/**
 * The last complete window of a job where there is input for it; else the latest that has input. Null for a job without
 * windows. `now` is in milliseconds since the epoch.
 */
export async function chooseWindow(
  job: JobDefinition,
  projectFolder: string,
  parameters: Readonly<Record<string, JsonValue>>,
  now: number,
): Promise<WindowChoice> {
  if (job.window === null) return { window: null, why: 'no windows' }
  const last = job.window.shift(job.window.containing(new Date(now).toISOString()), -1)
  const there = (window: WindowValue): Promise<boolean> => hasInput(job, window, projectFolder, parameters)
  if (await there(last)) return { window: last, why: 'the last complete' }
  const candidates = await candidateWindows(job, job.window, projectFolder, parameters, last)
  for (const window of candidates) if (await there(window)) return { window, why: 'the latest with input' }
  return { window: last, why: 'no input found' }
}

/** Whether any input of the job is there for a window, and none that must be there is missing. */
async function hasInput(
  job: JobDefinition,
  window: WindowValue,
  projectFolder: string,
  parameters: Readonly<Record<string, JsonValue>>,
): Promise<boolean> {
  const inputs = job.steps.flatMap(datasetInputs)
  if (inputs.length === 0) return true
  let any = false
  for (const input of inputs) {
    const windows = chooseWindows(input, window)
    try {
      if (await anyOf(input.dataset, windows, projectFolder, parameters)) any = true
    } catch (thrown) {
      if (thrown instanceof BatchwrightError && thrown.code === 'INPUT_MISSING') return false
      throw thrown
    }
  }
  return any
}

async function anyOf(
  dataset: DatasetDefinition,
  windows: readonly (WindowValue | null)[],
  projectFolder: string,
  parameters: Readonly<Record<string, JsonValue>>,
): Promise<boolean> {
  if (dataset.location.kind === 'files') {
    return (await resolvePaths(dataset, windows, parameters, projectFolder)).files.length > 0
  }
  const published = await listWindows(datasetFolder(projectFolder, dataset))
  const found = windows.filter((window) => published.includes(window?.key ?? null))
  if (found.length < windows.length && dataset.missing === 'fail') {
    throw new BatchwrightError({ code: 'INPUT_MISSING', message: `dataset ${dataset.name} is not published` })
  }
  return found.length > 0
}

/** Windows of the job that some file or published version may belong to, newest first. */
async function candidateWindows(
  job: JobDefinition,
  spec: WindowSpec,
  projectFolder: string,
  parameters: Readonly<Record<string, JsonValue>>,
  last: WindowValue,
): Promise<readonly WindowValue[]> {
  const found = new Map<string, WindowValue>()
  for (const { dataset } of job.steps.flatMap(datasetInputs)) {
    if (dataset.window === null) continue
    const keys =
      dataset.location.kind === 'files'
        ? windowsOfFiles(dataset, dataset.window, projectFolder, parameters, last)
        : await publishedWindows(dataset, dataset.window, projectFolder)
    for (const { start } of keys) {
      const window = spec.containing(start)
      found.set(window.key, window)
    }
  }
  return [...found.values()].sort((left, right) => Date.parse(right.start) - Date.parse(left.start))
}

async function publishedWindows(
  dataset: DatasetDefinition,
  spec: WindowSpec,
  projectFolder: string,
): Promise<readonly WindowValue[]> {
  const keys = await listWindows(datasetFolder(projectFolder, dataset))
  return keys.flatMap((key) => (key === null ? [] : [spec.parse(key)]))
}

/** Files looked at for the dates in their names. */
const MOST_FILES = 5_000

/**
 * The windows that files of a dataset belong to. Its location names the files of a window, not the other way round: so the
 * digits of one window's names are taken for anything, and each date that stands in what is found is asked for its files.
 */
function windowsOfFiles(
  dataset: DatasetDefinition,
  spec: WindowSpec,
  projectFolder: string,
  parameters: Readonly<Record<string, JsonValue>>,
  last: WindowValue,
): readonly WindowValue[] {
  const { location } = dataset
  if (location.kind !== 'files') return []
  const pathsOf = (window: WindowValue): readonly string[] =>
    location
      .paths({ window: { ...window, date: windowDate(window) }, parameters, project: projectFolder })
      .map((given) => path.resolve(projectFolder, given))
  const inWindow = spec.containing(last.start)
  const found = new Map<string, WindowValue>()
  for (const given of pathsOf(inWindow)) {
    const relative = path.relative(projectFolder, given)
    const pattern = relative.split(path.sep).map(anyDigits).join('/')
    for (const file of globSync(pattern, { cwd: projectFolder }).slice(-MOST_FILES)) {
      for (const date of datesIn(file)) {
        const window = containing(spec, date)
        if (window !== null && !found.has(window.key)) found.set(window.key, window)
      }
    }
  }
  return [...found.values()]
}

/** Digits of a name may be of any window; `..` and names without digits stay as they are. */
function anyDigits(segment: string): string {
  return segment.replaceAll(/\d+/g, '*').replaceAll(/\*(?:[-_.]?\*)+/g, '*')
}

/** Dates that may stand in a text, whatever their form, as `YYYY-MM-DD`. */
function datesIn(text: string): readonly string[] {
  const dates: string[] = []
  const add = (year = '', month = '01', day = '01'): void => {
    if (Number(month) >= 1 && Number(month) <= 12 && Number(day) >= 1 && Number(day) <= 31)
      dates.push(`${year}-${month}-${day}`)
  }
  for (const [, year, month, day] of text.matchAll(/(?<!\d)(\d{4})[-_./]?(\d{2})[-_./]?(\d{2})(?!\d)/g)) {
    add(year, month, day)
  }
  for (const [, first, second, year] of text.matchAll(/(?<!\d)(\d{2})[-_./]?(\d{2})[-_./]?(\d{4})(?!\d)/g)) {
    add(year, first, second)
    add(year, second, first)
  }
  for (const [, year, month] of text.matchAll(/(?<!\d)(\d{4})[-_./]?(\d{2})(?!\d)/g)) add(year, month)
  return dates
}

function containing(spec: WindowSpec, date: string): WindowValue | null {
  const noon = Date.parse(`${date}T12:00:00Z`)
  return Number.isNaN(noon) ? null : spec.containing(new Date(noon).toISOString())
}
