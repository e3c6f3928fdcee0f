import type { DatasetDefinition } from './model.ts'
import { definitionError, didYouMean, show } from './names.ts'

type Paths = Extract<DatasetDefinition['location'], { readonly kind: 'files' }>['paths']

const PLACEHOLDER = /\{([^{}]*)\}/g

/** Paths with `{date}`, `{date:MM-DD-YYYY}` and `{window}` filled in from the window; or what the user's function says. */
export function pathsOf(place: string, files: unknown): Paths {
  if (typeof files === 'function') {
    const choose: (...context: Parameters<Paths>) => unknown = (context) => Reflect.apply(files, undefined, [context])
    return (context) => listOf(`${place} function`, choose(context))
  }
  const templates = listOf(place, files).map((path) => template(place, path))
  return ({ window }) => templates.map((fill) => fill(window))
}

function listOf(place: string, paths: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(paths) ? paths : [paths]
  if (list.every((path): path is string => typeof path === 'string' && path !== '')) return list
  throw definitionError(
    'DATASET_INVALID',
    place,
    `expected a path or a list of paths, found ${show(paths)}`,
    "For example 'in/{date}.csv.gz'.",
  )
}

type PathWindow = Parameters<Paths>[0]['window']

function template(place: string, path: string): (window: PathWindow) => string {
  const names = [...path.matchAll(PLACEHOLDER)].map((match) => match[1] ?? '')
  for (const name of names) checkPlaceholder(place, name)
  return (window) => {
    if (names.length > 0 && window === null) {
      throw definitionError(
        'DATASET_INVALID',
        place,
        `${show(path)} asks for a window, but the dataset has none`,
        'Give it one, for example window: daily().',
      )
    }
    return path.replaceAll(PLACEHOLDER, (_, name: string) => (window === null ? '' : value(window, name)))
  }
}

function checkPlaceholder(place: string, name: string): void {
  if (name === 'date' || name === 'window') return
  const form = name.startsWith('date:') ? name.slice('date:'.length) : null
  if (form !== null && /YYYY|MM|DD/.test(form) && !/[A-Za-z]/.test(form.replaceAll(/YYYY|MM|DD/g, ''))) return
  throw definitionError(
    'DATASET_INVALID',
    place,
    `there is no placeholder {${name}}`,
    `${didYouMean(name, ['date', 'window'])}{date}, {date:YYYY/MM/DD} and {window} exist.`,
  )
}

function value(window: NonNullable<PathWindow>, name: string): string {
  if (name === 'window') return window.key
  const form = name === 'date' ? 'YYYY-MM-DD' : name.slice('date:'.length)
  const [year, month, day] = window.date.split('-')
  return form
    .replaceAll('YYYY', year ?? '')
    .replaceAll('MM', month ?? '')
    .replaceAll('DD', day ?? '')
}
