import type { DatasetDefinition, StepInput, WindowSelector, WindowSpec } from '../job/index.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import type { WindowValue } from '../protocol/index.ts'

type DatasetInput = Extract<StepInput, { readonly from: 'dataset' }>

/**
 * The windows of a dataset that a step reads in a run, in time order; `[null]` for a dataset without windows. Throws
 * WINDOW_MISSING where the run has none to choose them by.
 */
export function chooseWindows(
  { dataset, windows }: DatasetInput,
  runWindow: WindowValue | null,
): readonly (WindowValue | null)[] {
  if (dataset.window === null || windows.select === 'whole') return [null]
  if (runWindow === null) throw windowMissing(dataset)
  return select(dataset.window, windows, runWindow)
}

function select(spec: WindowSpec, selector: WindowSelector, run: WindowValue): readonly (WindowValue | null)[] {
  switch (selector.select) {
    case 'whole':
      return [null]
    case 'inside':
      return inside(spec, run)
    case 'previous':
      return before(spec, inside(spec, run)[0] ?? spec.containing(run.start), selector.count)
    case 'last': {
      const last = inside(spec, run).at(-1) ?? spec.containing(run.start)
      return [...before(spec, last, selector.count - 1), last]
    }
    case 'at':
      return selector.at(run).map((key) => spec.parse(key))
  }
}

/** The run's own window where the kinds are the same; else every one of the dataset's that starts in it. */
function inside(spec: WindowSpec, run: WindowValue): readonly WindowValue[] {
  if (spec.kind === run.kind && spec.timezone === run.timezone && run.kind !== 'interval') return [run]
  return spec.within({ start: run.start, end: run.end })
}

/** The `count` windows before one, in time order. */
function before(spec: WindowSpec, window: WindowValue, count: number): readonly WindowValue[] {
  return Array.from({ length: Math.max(0, count) }, (_, place) => spec.shift(window, place - count))
}

function windowMissing(dataset: DatasetDefinition): BatchwrightError {
  return new BatchwrightError({
    code: 'WINDOW_MISSING',
    message: `dataset ${dataset.name}: expected the run to have a window to choose its windows by, found none`,
    hint: 'Give the job a window, or read the dataset with .at(...).',
    details: { dataset: dataset.name },
  })
}
