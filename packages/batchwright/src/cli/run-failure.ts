/** Why a run failed, as text: at the user's line, with the record, and the command that replays it. */
import type { JsonValue } from '../kernel/errors.ts'
import { isJsonObject, isList } from './json.ts'
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
  const hint = failure.hint ?? `Mend the job file, then \`batchwright retry ${run.runId}\` goes on.`
  return failureLines({ ...report, hint }, { ...style, source: sourcesOf(run.artifactPath) }, [
    ...findingsOf(failure.details?.['failed']),
    ...replayOf(run),
  ])
}

/** The step is named in front of the message already. */
function withoutStep(message: string, step: string): string {
  const prefix = new RegExp(`^(step|reduce|sql) ${step.replaceAll(/[^\w-]/g, '.')}: `)
  return message.replace(prefix, '')
}

const SHOWN_SAMPLES = 3

/** What a verification found beside what the message says: records against the first rule, and the other rules. */
function findingsOf(failed: JsonValue | undefined): readonly Fact[] {
  if (!isList(failed)) return []
  return failed.filter(isJsonObject).flatMap((finding, index): readonly Fact[] => {
    const { kind, name, expected, found, samples } = finding
    const shown = isList(samples) ? samples.slice(0, SHOWN_SAMPLES) : []
    const also = `${asText(kind)} ${asText(name)}: expected ${asText(expected)}, found ${asText(found)}`
    return [
      ...(index === 0 ? [] : [['also', also] as const]),
      ...shown.map((sample) => ['found', asText(sample)] as const),
    ]
  })
}

function asText(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null)
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
