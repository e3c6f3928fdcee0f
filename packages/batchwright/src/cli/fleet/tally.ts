/** What a worker did, told in a line for each step now and then: thousands of small tasks must not make thousands of lines. */
import type { Decision } from '../../engine/index.ts'
import type { Clock, Timer } from '../../kernel/clock.ts'
import type { StopReason } from '../../protocol/index.ts'
import type { ClaimedTask } from '../../store/index.ts'
import { count, plural } from '../render/text.ts'
import type { ServiceLog } from './service-log.ts'

/** How long counts are gathered. */
const GATHER_MS = 5_000
/** Attempts that did not simply succeed are told one by one, up to so many in that time. */
const MOST_TOLD = 10

interface Lane {
  readonly title: string
  readonly task: ClaimedTask
  succeeded: number
  retried: number
  failed: number
  returned: number
  lost: number
}

export interface Totals {
  readonly succeeded: number
  readonly retried: number
  readonly failed: number
  readonly returned: number
  readonly lost: number
}

export class Tally {
  readonly #log: ServiceLog
  readonly #clock: Clock
  readonly #running = new Map<number, string>()
  readonly #lanes = new Map<string, Lane>()
  readonly #totals = { succeeded: 0, retried: 0, failed: 0, returned: 0, lost: 0 }
  #timer: Timer | null = null
  #told = 0

  constructor(log: ServiceLog, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  /** Since the process began. */
  get totals(): Totals {
    return this.#totals
  }

  /** Attempts under way. */
  get busy(): number {
    return this.#running.size
  }

  /** Attempts under way by what they work on: `billing 2011-01/rate` and their number. */
  running(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const title of this.#running.values()) counts.set(title, (counts.get(title) ?? 0) + 1)
    return counts
  }

  claimed(tasks: readonly ClaimedTask[]): void {
    for (const task of tasks) this.#running.set(task.taskId, titleOf(task))
  }

  ended(task: ClaimedTask, decision: Decision, stop: StopReason | null): void {
    this.#running.delete(task.taskId)
    const lane = this.#lane(task)
    const word = OUTCOMES[decision.kind]
    lane[word] += 1
    this.#totals[word] += 1
    if (decision.kind === 'retry' || decision.kind === 'failed') this.#tellFailure(task, decision)
    else if (word === 'lost' || word === 'returned') this.#tellStop(task, word, stop)
    this.#timer ??= this.#clock.after(GATHER_MS, () => {
      this.flush()
    })
  }

  /** Tells what was gathered. */
  flush(): void {
    this.#timer?.stop()
    this.#timer = null
    this.#told = 0
    const lanes = [...this.#lanes.values()]
    this.#lanes.clear()
    for (const { title, task, succeeded, retried, failed, returned, lost } of lanes) {
      const running = [...this.#running.values()].filter((each) => each === title).length
      const counts = { succeeded, retried, failed, returned, lost, running }
      const said = Object.entries(counts).filter(([, number]) => number > 0)
      const words = said.map(([word, number]) => `${count(number)} ${word}`).join(', ')
      const { run, step } = task
      this.#log.say('tasks', `${title}: ${words}`, { runId: run.runId, job: run.job, step, ...counts })
    }
  }

  #lane(task: ClaimedTask): Lane {
    const key = `${task.run.runId} ${task.step}`
    let lane = this.#lanes.get(key)
    if (lane === undefined) {
      lane = { title: titleOf(task), task, succeeded: 0, retried: 0, failed: 0, returned: 0, lost: 0 }
      this.#lanes.set(key, lane)
    }
    return lane
  }

  #tellFailure(task: ClaimedTask, decision: Decision & { readonly kind: 'retry' | 'failed' }): void {
    const { code, message } = decision.error
    const delayMs = decision.kind === 'retry' ? decision.delayMs : null
    const next = delayMs === null ? 'and its run with it' : `another attempt in ${(delayMs / 1000).toFixed(1)} s`
    this.#tell(
      task,
      `attempt.${decision.kind === 'retry' ? 'retried' : 'failed'}`,
      `${placeOf(task)} failed, ${next}: ${code}: ${message}`,
      {
        code,
        error: message,
        delayMs,
      },
    )
  }

  #tellStop(task: ClaimedTask, word: 'lost' | 'returned', stop: StopReason | null): void {
    const why = stop ?? 'never started'
    const text = word === 'lost' ? `dropped: ${why === 'lost' ? 'its lease is lost' : why}` : `given back: ${why}`
    this.#tell(task, `attempt.${word}`, `${placeOf(task)} ${text}`, { reason: why })
  }

  #tell(
    task: ClaimedTask,
    event: string,
    text: string,
    fields: Readonly<Record<string, string | number | null>>,
  ): void {
    this.#told += 1
    if (this.#told > MOST_TOLD) return
    const more = this.#told === MOST_TOLD ? ' (more of this kind are only counted)' : ''
    const { run, step, kind, partition } = task
    const place = { runId: run.runId, job: run.job, step, kind, index: partition?.index ?? null }
    this.#log.say(event, `${text}${more}`, { ...place, attempt: task.attemptsUsed + 1, ...fields })
  }
}

const OUTCOMES = {
  succeeded: 'succeeded',
  planned: 'succeeded',
  retry: 'retried',
  failed: 'failed',
  giveBack: 'returned',
  abandon: 'lost',
} as const satisfies Readonly<Record<Decision['kind'], keyof Totals>>

/** `billing 2011-01/rate`. */
function titleOf({ run, step }: ClaimedTask): string {
  const window = run.window === null ? '' : ` ${run.window.key}`
  return `${run.job}${window}/${step}`
}

function placeOf(task: ClaimedTask): string {
  const at = task.partition === null ? `/${task.kind}` : `/${task.partition.index}`
  return `${titleOf(task)}${at} (run ${task.run.runId})`
}

/** What is under way, in words: `3 of 4 slots busy (billing 2011-01/rate 3)`. */
export function busyWords(running: ReadonlyMap<string, number>, slots: number): string {
  const busy = [...running.values()].reduce((sum, number) => sum + number, 0)
  if (busy === 0) return `idle, ${plural(slots, 'slot')}`
  const what = [...running].map(([title, number]) => `${title} ${number}`).join(', ')
  return `${busy} of ${plural(slots, 'slot')} busy (${what})`
}
