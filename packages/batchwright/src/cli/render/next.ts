/** What to try next: commands with their ids filled in, chosen by what happened, each with what it is for. */
import type { RunView, StepView } from '../view.ts'
import { dead } from '../view.ts'
import type { TableStyle } from './table.ts'
import { displayWidth } from './text.ts'

export interface NextCommand {
  readonly command: string
  readonly what: string
}

export interface NextOptions {
  /** How the command line is called: `batchwright`, or `npx batchwright`. */
  readonly called: string
  /** Whether nothing else has ever succeeded in this project. */
  readonly first: boolean
}

/** Most useful first; the last is the one to end with. */
export function nextCommands(view: RunView, { called, first }: NextOptions): readonly NextCommand[] {
  const { run } = view
  const window = run.window === null ? '' : ` --window ${run.window.key}`
  const deadLetters = view.steps.some((step) => dead(step.counters) > 0)
  const look = deadLetters
    ? [{ command: `${called} dead-letters list ${run.runId}`, what: 'the records set aside' }]
    : []
  if (run.state === 'failed') return [...look, ...afterFailure(view, called)]
  if (run.state === 'cancelled') return [{ command: `${called} retry ${run.runId}`, what: 'go on' }]
  if (run.paused) return [{ command: `${called} resume ${run.runId}`, what: 'go on' }]
  if (run.state !== 'succeeded') return [{ command: `${called} run ${run.job}${window}`, what: 'go on with it' }]
  const [published] = view.published
  const cat =
    published === undefined
      ? []
      : [
          {
            command: `${called} datasets cat ${published.dataset}${published.window === null ? '' : ` --window ${published.window}`}`,
            what: 'what was published',
          },
        ]
  const again = {
    command: `${called} rerun ${run.job}${window}`,
    what: 'run it anew; try a kill',
  }
  return [...look, ...cat, ...(first ? [again] : [])]
}

/** What failed may be mended in the data or in the code: what it means, what the steps said, and the ways to go on. */
function afterFailure({ run, steps }: RunView, called: string): readonly NextCommand[] {
  const { failure, runId } = run
  const step = failure === null ? '' : ` --step ${failure.step}`
  const log = { command: `${called} logs ${runId}${step}`, what: 'what the step logged' }
  const explain = { command: `${called} explain ${runId}`, what: 'what happened' }
  const retry = { command: `${called} retry ${runId}`, what: 'go on, once mended' }
  if (failure === null || !hasDone(steps, failure.step)) return [log, explain, retry]
  const from = {
    command: `${called} retry ${runId} --from ${failure.step}`,
    what: 'the step from its start',
  }
  return [log, explain, retry, from]
}

/** Whether partitions of a step are done: only then does starting it anew differ from going on. */
function hasDone(steps: readonly StepView[], name: string): boolean {
  return steps.some((step) => step.name === name && step.tasksDone > 0)
}

/** Beside each command what it is for, or above it as a shell's remark where that is too wide. Commands are never cut. */
export function nextLines(next: readonly NextCommand[], { width, paint, indent = 0 }: TableStyle): readonly string[] {
  const widest = Math.max(0, ...next.map(({ command }) => displayWidth(command)))
  const beside = next.every(({ what }) => indent + widest + 2 + displayWidth(what) <= width)
  const space = ' '.repeat(indent)
  return next.flatMap(({ command, what }) =>
    beside
      ? [`${space}${command.padEnd(widest)}  ${paint(what, 'dim')}`]
      : [`${space}${paint(`# ${what}`, 'dim')}`, `${space}${command}`],
  )
}
