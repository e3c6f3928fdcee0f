/** `debug TASK` and `dead-letters debug ID`: what the run did, done again with the sinks off. Nothing is written. */
import type { JsonValue } from '../../kernel/errors.ts'
import type { DryRecord, RecordPlace } from '../../runtime/index.ts'
import type { RunRow, Store, TaskRow } from '../../store/index.ts'
import { replayLetter } from '../debug/replay-letter.ts'
import type { LetterReplay } from '../debug/replay-letter.ts'
import { replayTask } from '../debug/replay-task.ts'
import type { Replay, ReplayChoice } from '../debug/replay-task.ts'
import { onScene } from '../debug/scene.ts'
import type { DebugOptions, Scene } from '../debug/scene.ts'
import type { StepBefore } from '../debug/steps-before.ts'
import { usageError } from '../failure.ts'
import type { ExitCode } from '../failure.ts'
import { partitionTasks } from '../letters.ts'
import type { FoundLetter } from '../letters.ts'
import { selectPlace } from '../place.ts'
import { jsonText, keyLines, loggedLines, plain, recordLines, sumLines, thrownLines, whyDead } from '../render/debug.ts'
import type { DebugStyle } from '../render/debug.ts'
import { count, plural, printable } from '../render/text.ts'
import type { RunChoice } from '../select.ts'
import type { Session } from '../session.ts'
import { runTitle } from '../view.ts'
import { oneLetter } from './dead-letters.ts'

export interface DebugTaskOptions extends DebugOptions {
  readonly run?: string
  readonly record?: string
  readonly key?: string
  readonly only?: DryRecord['fate']
  readonly limit: number
}

/** `batchwright debug TASK`. */
export async function debugTask(session: Session, given: string, options: DebugTaskOptions): Promise<ExitCode> {
  const store = await session.store()
  const { run, task } = await selectTask(store, options.run === undefined ? given : `${options.run}/${given}`)
  const choice: ReplayChoice = {
    only: options.record === undefined ? null : readPlace(options.record),
    key: options.key ?? null,
    fate: options.only ?? null,
    limit: options.limit,
  }
  return onScene(session, { run, task }, options, async (scene) => {
    const replay = await replayTask(scene, { store, run, task }, choice)
    session.terminal.printJson(taskJson(run, task, scene, replay))
    session.terminal.print(taskLines(session, { run, task, scene, replay }))
  })
}

/** `batchwright dead-letters debug ID`. */
export async function debugLetter(session: Session, id: string, options: DebugOptions & RunChoice): Promise<ExitCode> {
  const store = await session.store()
  const { run, found } = await oneLetter(session, id, options)
  const task = await taskOf(store, run, found.step, found.partition)
  return onScene(session, { run, task }, options, async (scene) => {
    const replay = await replayLetter(scene, { store, run, task }, found)
    session.terminal.printJson(letterJson(run, found, scene, replay))
    session.terminal.print(letterReplayLines(session, { run, found, scene, replay }))
  })
}

// ---------------------------------------------------------------- choosing

async function selectTask(store: Store, given: string): Promise<{ readonly run: RunRow; readonly task: TaskRow }> {
  const { run, step, task } = await selectPlace(store, given)
  if (step !== null && task?.kind === 'partition' && task.index !== null) {
    return { run, task: await taskOf(store, run, step.name, task.index) }
  }
  if (step !== null && task === null && step.tasks === 1) return { run, task: await taskOf(store, run, step.name, 0) }
  const example = `${run.runId}/${step?.name ?? 'STEP'}/0`
  throw usageError({
    code: 'TASK_UNKNOWN',
    message:
      step === null || task !== null
        ? `expected a task as RUN/STEP/PARTITION, found ${JSON.stringify(given)}`
        : `which partition of step ${step.name}? It has ${plural(step.tasks, 'partition')}, numbered from 0`,
    hint: `for example ${example}; \`batchwright show ${run.runId}\` lists the steps`,
    details: { given },
  })
}

async function taskOf(store: Store, run: RunRow, step: string, partition: number): Promise<TaskRow> {
  for await (const task of partitionTasks(store, run.runId, step)) if (task.index === partition) return task
  throw usageError({
    code: 'TASK_UNKNOWN',
    message: `step ${step} of ${runTitle(run)} has no partition ${String(partition)}`,
    hint: `\`batchwright show ${run.runId}\` lists the steps and how many partitions they have`,
    details: { runId: run.runId, step, partition },
  })
}

function readPlace(given: string): RecordPlace {
  const [, source, number] = /^(?:(.+):)?(\d+)$/.exec(given) ?? []
  if (number !== undefined) {
    if (source === 'byte') return { offset: Number(number) }
    return { record: Number(number), ...(source === undefined ? {} : { source }) }
  }
  throw usageError({
    code: 'USAGE',
    message: `--record: expected the number of a record in its source (from 1), SOURCE:N, or byte:OFFSET, found ${JSON.stringify(given)}`,
    hint: '`batchwright dead-letters list` shows both',
    details: { given },
  })
}

// ---------------------------------------------------------------- JSON

function sceneJson(run: RunRow, scene: Scene, partition: number | null): Record<string, JsonValue> {
  return {
    runId: run.runId,
    job: run.job,
    step: scene.step.name,
    partition,
    code: scene.code,
    codeVersion: scene.codeVersion,
    log: scene.logged.map(({ level, message, fields }) => ({ level, message, fields: fields ?? {} })),
  }
}

function taskJson(run: RunRow, task: TaskRow, scene: Scene, replay: Replay): JsonValue {
  return {
    ...sceneJson(run, scene, task.index),
    total: replay.total,
    items: [
      ...replay.records.map(recordJson),
      ...replay.keys.map(({ key, added, records }) => ({ key, added, records: records.map(plain) })),
    ],
    counters: replay.counters === null ? null : plain(replay.counters),
    controls: replay.controls,
    differences: replay.differences,
    stepsBefore: replay.before.map(beforeJson),
  }
}

function recordJson(record: DryRecord): Record<string, JsonValue> {
  const { source, windowKey, record: number, offset } = record.position
  const common = { source, window: windowKey, record: number, offset, raw: record.raw, fate: record.fate }
  switch (record.fate) {
    case 'written':
      return {
        ...common,
        records: record.records.map(plain),
        named: plain(record.named),
        files: record.files.map(({ output, name, content, sha256 }) => ({
          output,
          name,
          bytes: content.length,
          sha256,
        })),
      }
    case 'dropped':
      return common
    case 'dead':
      return {
        ...common,
        id: record.letterId,
        cause: record.cause,
        reason: record.reason,
        message: record.message,
        stack: record.stack,
      }
  }
}

function letterJson(run: RunRow, { letter, partition }: FoundLetter, scene: Scene, replay: LetterReplay): JsonValue {
  return {
    ...sceneJson(run, scene, partition),
    id: letter.id,
    then: { cause: letter.cause, reason: letter.reason, message: letter.message },
    now: recordJson(replay.record),
    from: replay.from,
    notes: replay.notes,
    stepsBefore: replay.before.map(beforeJson),
  }
}

function beforeJson({ step, partitions, records, handedOn, handedOnThen }: StepBefore): Record<string, JsonValue> {
  return { step, partitions, records, handedOn, handedOnThen }
}

// ---------------------------------------------------------------- text

function styleOf({ terminal, projectFolder }: Session): DebugStyle {
  return { paint: terminal.paint, width: terminal.width, projectFolder }
}

function codeWords(run: RunRow, { code, codeVersion }: Scene): string {
  if (code === 'pinned') return 'with the code of the run'
  return codeVersion === run.codeVersion ? 'with the current code, which is that of the run' : 'with the current code'
}

function taskLines(
  session: Session,
  {
    run,
    task,
    scene,
    replay,
  }: { readonly run: RunRow; readonly task: TaskRow; readonly scene: Scene; readonly replay: Replay },
): readonly string[] {
  const style = styleOf(session)
  const shown = replay.records.length + replay.keys.length
  const what = replay.keys.length > 0 ? 'keys' : 'records'
  return [
    `${runTitle(run)}, step ${task.step}, partition ${String(task.index ?? 0)} (${printable(task.label)})`,
    style.paint(`worked through again ${codeWords(run, scene)}, sinks off: nothing is written`, 'dim'),
    ...handedOtherwise(replay.before, style),
    '',
    ...recordLines(replay.records, style),
    ...keyLines(replay.keys, style),
    ...(shown < replay.total
      ? [
          style.paint(
            `  ${count(shown)} of ${count(replay.total)} ${what}; --limit N shows more, --only dead those set aside`,
            'dim',
          ),
        ]
      : []),
    ...(scene.logged.length === 0 ? [] : ['', ...loggedLines(scene.logged, style)]),
    ...prefixed([''], sumLines(replay, style)),
  ]
}

/** Where a step before has not handed on what it did in the run: another code, other services, chance. */
function handedOtherwise(before: readonly StepBefore[], { paint }: DebugStyle): readonly string[] {
  return before
    .filter(({ handedOn, handedOnThen }) => handedOn !== handedOnThen)
    .map(({ step, handedOn, handedOnThen }) =>
      paint(`step ${step} hands on ${plural(handedOn, 'record')} now, the run recorded ${count(handedOnThen)}`, 'warn'),
    )
}

function prefixed(before: readonly string[], lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [...before, ...lines]
}

function letterReplayLines(
  session: Session,
  {
    run,
    found,
    scene,
    replay,
  }: { readonly run: RunRow; readonly found: FoundLetter; readonly scene: Scene; readonly replay: LetterReplay },
): readonly string[] {
  const style = styleOf(session)
  const { paint } = style
  const { letter, step, partition } = found
  const { record } = replay
  const fact = (name: string, text: string): string => `${paint(name.padEnd(7), 'dim')}  ${printable(text)}`
  const offset = letter.position.offset === null ? '' : `, byte ${count(letter.position.offset)}`
  return [
    `dead letter ${letter.id} of ${runTitle(run)}, step ${step}, partition ${String(partition)}`,
    paint(`worked through again ${codeWords(run, scene)}, sinks off: nothing is written`, 'dim'),
    ...handedOtherwise(replay.before, style),
    '',
    fact('where', `${letter.position.source}, record ${count(letter.position.record)}${offset}`),
    fact('text', letter.raw),
    ...(record.record === null ? [] : [fact('record', jsonText(record.record))]),
    fact('then', `${letter.cause} ${whyDead(letter)}`),
    `${paint('now'.padEnd(7), 'dim')}  ${outcomeText(record, style)}`,
    ...thrownLines(record, style),
    ...replay.notes.map((note) => fact('note', note)),
    ...prefixed([''], loggedLines(scene.logged, style)),
    ...prefixed([''], nextLines(run, found, scene, record)),
  ]
}

function outcomeText(record: DryRecord, { paint }: DebugStyle): string {
  switch (record.fate) {
    case 'written': {
      const made = [...record.records, ...Object.values(record.named).flat()].map(jsonText)
      return `${paint('passes', 'good')}, and would write ${printable(made.join(', '))}`
    }
    case 'dropped':
      return `${paint('dropped', 'good')}: it would be counted and left out`
    case 'dead':
      return `${paint('still set aside', 'bad')}: ${printable(`${record.cause} ${whyDead(record)}`)}`
  }
}

function nextLines(run: RunRow, { letter }: FoundLetter, { code }: Scene, record: DryRecord): readonly string[] {
  if (record.fate !== 'dead') return [`next: batchwright dead-letters replay ${letter.id} --run ${run.runId}`]
  if (record.cause === 'contract') {
    return [
      `mend its text: batchwright dead-letters export ${run.runId} --reason ${letter.reason} --output letters.jsonl`,
      'then: batchwright dead-letters replay --file letters.jsonl',
    ]
  }
  return code === 'pinned'
    ? [`mend the code, then: batchwright dead-letters debug ${letter.id} --run ${run.runId} --code current`]
    : []
}
