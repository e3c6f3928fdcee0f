/** `logs`: what the steps of a run said, now or as they say it. */
import type { Clock } from '../../kernel/clock.ts'
import type { JsonValue } from '../../kernel/errors.ts'
import type { Duration } from '../../kernel/units.ts'
import { parseDuration } from '../../kernel/units.ts'
import { readRunLog, streamRunLog } from '../../observe/index.ts'
import type { LogFilter, RunLogLine } from '../../observe/index.ts'
import type { RunRow, Store } from '../../store/index.ts'
import { usageError } from '../failure.ts'
import { selectPlace } from '../place.ts'
import { runFolder } from '../project.ts'
import { logLines } from '../render/lists.ts'
import { isoOrNull } from '../render/text.ts'
import type { RunChoice } from '../select.ts'
import { selectRun, selectStep } from '../select.ts'
import type { Session } from '../session.ts'
import { runTitle } from '../view.ts'

export interface LogsOptions extends RunChoice {
  readonly follow?: boolean
  readonly step?: string
  readonly task?: number
  readonly attempt?: number
  readonly level?: RunLogLine['level']
  readonly text?: string
  readonly since?: string
  readonly limit?: number
}

/** `batchwright logs RUN`: oldest first. With `--json` as JSON Lines: one object for each line. */
export async function logs(session: Session, options: LogsOptions): Promise<void> {
  const { terminal } = session
  const store = await session.store()
  const { run, filter } = await chosen(session, store, options)
  let some = false
  for await (const batch of batches(session, store, run, filter, options)) {
    some ||= batch.length > 0
    terminal.print(logLines(batch, terminal))
    terminal.printJsonLines(batch.map(logLineJson))
    await terminal.drained()
  }
  if (!some) terminal.note(['no such log lines'])
}

async function* batches(
  session: Session,
  store: Store,
  run: RunRow,
  filter: LogFilter,
  { follow, limit }: LogsOptions,
): AsyncGenerator<readonly RunLogLine[]> {
  const folder = runFolder(session.project, run.runId)
  const last = limit === undefined ? {} : { last: limit }
  if (follow === true) {
    yield* streamRunLog(folder, filter, { ...last, clock: session.clock, ended: endOf(store, run, session.clock) })
  } else if (limit !== undefined) yield (await readRunLog(folder, { ...filter, ...last })).items
  else yield* streamRunLog(folder, filter)
}

/** The last lines of a run are on their way when it has ended; they are written within this time. */
const LAST_LINES_MS = 1_000

/** Says when nobody will write to a run's log any more: it has ended, and time for its last lines has passed. */
export function endOf(store: Store, run: RunRow, clock: Clock): () => Promise<boolean> {
  let seen: number | null = run.endedAt === null ? null : -Infinity
  return async () => {
    if (seen === null) {
      const now = await store.getRun(run.runId)
      if (now !== null && now.endedAt === null) return false
      seen = clock.monotonic()
    }
    return clock.monotonic() - seen >= LAST_LINES_MS
  }
}

async function chosen(
  session: Session,
  store: Store,
  options: LogsOptions,
): Promise<{ readonly run: RunRow; readonly filter: LogFilter }> {
  const place =
    options.run?.includes('/') === true
      ? await selectPlace(store, options.run)
      : { run: await selectRun(store, options), step: null, task: null }
  const step = place.step?.name ?? options.step
  if (place.step === null && step !== undefined) {
    const known = await store.listSteps(place.run.runId)
    selectStep(
      step,
      known.map(({ name }) => name),
      runTitle(place.run),
    )
  }
  const index = place.task?.index ?? options.task
  const { attempt, level, text, since } = options
  return {
    run: place.run,
    filter: {
      ...(step === undefined ? {} : { step }),
      ...(index === undefined ? {} : { index }),
      ...(attempt === undefined ? {} : { attempt }),
      ...(level === undefined ? {} : { level }),
      ...(text === undefined ? {} : { text: patternOf(text) }),
      ...(since === undefined ? {} : { since: timeOf(since, session.clock) }),
    },
  }
}

/** `/pattern/i` as a regular expression, anything else as it stands. */
export function patternOf(text: string): string | RegExp {
  const [, body, flags] = /^\/(.+)\/([a-z]*)$/.exec(text) ?? []
  if (body === undefined) return text
  try {
    return new RegExp(body, flags)
  } catch (cause) {
    throw usageError({
      code: 'LOG_FILTER_INVALID',
      message: `--text ${text}: expected a regular expression between the slashes, found ${cause instanceof Error ? cause.message : 'none'}`,
      hint: 'leave the slashes out to look for the text as it stands',
      details: { given: text },
    })
  }
}

/** `10min` is ten minutes before now; anything else a date and time. */
export function timeOf(since: string, clock: Clock): number {
  if (isDuration(since)) return clock.now() - parseDuration(since, '--since')
  // Date.parse takes much for a date: 10 is October.
  const at = /^\d{4}-\d\d-\d\d/.test(since) ? Date.parse(since) : NaN
  if (!Number.isNaN(at)) return at
  throw usageError({
    code: 'LOG_FILTER_INVALID',
    message: `--since ${since}: expected a time that has passed, as 10min or 2h, or a date and time in ISO 8601`,
    hint: 'for example --since 10min, or --since 2011-01-04T10:00:00Z',
    details: { given: since },
  })
}

function isDuration(text: string): text is Duration {
  return /^\d+(\.\d+)?(ms|s|min|h|d)$/.test(text)
}

function logLineJson(line: RunLogLine): JsonValue {
  const { level, step, index, attempt, message } = line
  return { at: isoOrNull(line.at), level, step, index, attempt, message, fields: line.fields ?? {} }
}
