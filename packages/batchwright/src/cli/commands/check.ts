/** `check`: whether tonight's runs would break, for CI and before a deploy. */
import type { JsonValue } from '../../kernel/errors.ts'
import { checkProject } from '../check/check-project.ts'
import type { CheckItem } from '../check/items.ts'
import { itemLines } from '../check/render.ts'
import { loadJob } from '../definitions.ts'
import type { ExitCode } from '../failure.ts'
import { EXIT } from '../failure.ts'
import { openScratch } from '../pass/index.ts'
import { plural } from '../render/text.ts'
import { readParameters } from '../select.ts'
import type { Session } from '../session.ts'

export interface CheckOptions {
  readonly job: string | undefined
  readonly window?: string
  readonly param?: readonly string[]
  readonly sample: number
  readonly effects?: boolean
  readonly types: boolean
  readonly strict?: boolean
}

/** How long the sample of one job may take. */
const LIMIT_MS = 120_000

/** `batchwright check [JOB]`: `{ ok, errors, warnings, total, items }`. Exit code 1 for errors, with `--strict` for warnings too. */
export async function check(session: Session, options: CheckOptions): Promise<ExitCode> {
  const { terminal, clock, project } = session
  const scratch = await openScratch(project.state)
  try {
    const items = await checkProject(project, {
      job: options.job ?? null,
      window: options.window ?? null,
      parameters: readParameters(options.param ?? []),
      sample: options.sample,
      effects: options.effects === true,
      types: options.types,
      limitMs: LIMIT_MS,
      scratch,
      clock,
    })
    if (options.job !== undefined && !items.some((item) => item.about === 'definition')) {
      // Says which jobs there are.
      await loadJob(project, options.job)
    }
    const errors = items.filter((item) => item.level === 'error').length
    const warnings = items.filter((item) => item.level === 'warning').length
    const fine = errors === 0 && (warnings === 0 || options.strict !== true)
    terminal.printJson({ ok: fine, errors, warnings, total: items.length, items: items.map(itemJson) })
    terminal.print([...itemLines(items, session), '', verdict(errors, warnings, options.strict === true)])
    return fine ? EXIT.succeeded : EXIT.failed
  } finally {
    await scratch.close()
  }
}

function verdict(errors: number, warnings: number, strict: boolean): string {
  const found = [
    errors === 0 ? 'no errors' : plural(errors, 'error'),
    warnings === 0 ? 'no warnings' : plural(warnings, 'warning'),
  ]
  const why = strict && errors === 0 && warnings > 0 ? ' (with --strict, warnings count)' : ''
  return `${found.join(', ')}${why}`
}

function itemJson({ level, about, job, code, message, hint, place }: CheckItem): JsonValue {
  return {
    level,
    about,
    job,
    code,
    message,
    hint,
    place: place === null ? null : { file: place.file, line: place.line, column: place.column },
  }
}
