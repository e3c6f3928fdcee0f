/** Why a run failed, as text: at the user's line, with the record, and the command that replays it. */
import type { ErrorReport } from '../kernel/errors.ts'
import type { RunRow } from '../store/contract.ts'
import type { Fact, FailureStyle } from './failure.ts'
import { failureLines } from './failure.ts'
import { sourcesOf } from './sources.ts'

/** Nothing where the run has not failed. */
export function runFailureLines(run: RunRow, style: Omit<FailureStyle, 'source'>): readonly string[] {
  const { failure } = run
  if (failure === null) return []
  const place = failure.index === null ? failure.step : `${failure.step}, partition ${failure.index}`
  const report = { ...failure, message: `${place}: ${withoutStep(failure.message, failure.step)}` }
  const shortened = style.projectFolder === null ? report : withoutFolder(report, `${style.projectFolder}/`)
  return failureLines(shortened, { ...style, source: sourcesOf(run.artifactPath) }, replayOf(run))
}

/** The step is named in front of the message already. */
function withoutStep(message: string, step: string): string {
  const prefix = new RegExp(`^(step|reduce|sql) ${step.replaceAll(/[^\w-]/g, '.')}: `)
  return message.replace(prefix, '')
}

/** Paths in the project are shown from its folder. */
function withoutFolder<Report extends ErrorReport>(report: Report, folder: string): Report {
  return {
    ...report,
    message: report.message.replaceAll(folder, ''),
    ...(report.cause === undefined ? {} : { cause: withoutFolder(report.cause, folder) }),
  }
}

/** The command that works through the record again, with nothing written: where a function of the user's failed on one. */
function replayOf({ runId, failure }: RunRow): readonly Fact[] {
  if (failure === null || failure.index === null) return []
  const { record, key } = failure.details ?? {}
  const which =
    typeof record === 'number' ? `--record ${record}` : typeof key === 'string' ? `--key ${quoted(key)}` : null
  if (which === null) return []
  return [['debug', `batchwright debug ${runId}/${failure.step}/${failure.index} ${which}`]]
}

/** As a shell needs it. */
function quoted(text: string): string {
  return /^[\w=.,:/@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
