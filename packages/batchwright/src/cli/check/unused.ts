/** What is defined in the sources and used nowhere. */
import type { JobDefinition } from '../../job/index.ts'
import { warning, type CheckItem } from './items.ts'
import { placeAt, type Source } from './places.ts'

const DEFINED = /\b(?:const|let|var)\s+([A-Za-z_$][\w$]*)(?:\s*:[^=]+)?\s*=\s*(dataset|service)\s*\(/g

/** Datasets and services whose name stands nowhere but where they are defined, and parameters that no source mentions. */
export function unusedDefinitions(sources: readonly Source[], jobs: readonly JobDefinition[]): readonly CheckItem[] {
  const code = sources.map(({ text }) => blanked(text, /^['"]|^\//))
  const all = sources.map(({ text }) => blanked(text, /^\//))
  const items: CheckItem[] = []
  for (const { file, text } of sources) {
    for (const found of blanked(text, /^\//).matchAll(DEFINED)) {
      const [, name = '', what = ''] = found
      if (mentions(code, name) > 1) continue
      const index = found.index + found[0].indexOf(name)
      items.push(
        warning('setting', null, {
          code: what === 'dataset' ? 'DATASET_UNUSED' : 'SERVICE_UNUSED',
          message: `the ${what} ${name} is defined and used nowhere`,
          hint:
            what === 'dataset'
              ? 'read or write it in a step, or take it out'
              : 'give it to a step with .use(), or take it out',
          place: placeAt(file, text, index, name.length),
        }),
      )
    }
  }
  return [...items, ...jobs.flatMap((job) => unusedParameters(job, all))]
}

function unusedParameters(job: JobDefinition, texts: readonly string[]): readonly CheckItem[] {
  const names = job.parameters?.schema.fields?.map((field) => field.name) ?? []
  return names
    .filter((name) => mentions(texts, name) <= 1)
    .map((name) =>
      warning('setting', job.name, {
        code: 'PARAMETER_UNUSED',
        message: `the parameter ${name} of job ${job.name} is used nowhere`,
        hint: 'read it in a step (parameters.' + name + '), or take it out',
      }),
    )
}

function mentions(texts: readonly string[], name: string): number {
  const word = new RegExp(String.raw`(?<![\w$])${name.replaceAll('$', String.raw`\$`)}(?![\w$])`, 'g')
  return texts.reduce((sum, text) => sum + (text.match(word)?.length ?? 0), 0)
}

/**
 * The text with its comments (and strings) as blanks of the same length, so that places stay where they are: those whose
 * first characters match.
 */
function blanked(text: string, what: RegExp): string {
  return text.replaceAll(/(['"`])(?:\\.|(?!\1)[^\\])*?\1|\/\*[\s\S]*?\*\/|(?<!:)\/\/[^\n]*/g, (part) =>
    what.test(part) ? part.replaceAll(/[^\n]/g, ' ') : part,
  )
}
