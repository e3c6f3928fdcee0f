/** The story of a run, told from its facts. */
import type { RunView } from '../view.ts'
import { dead, runTitle, runView } from '../view.ts'
import { beginning } from './beginning.ts'
import { course } from './course.ts'
import { ending, publication } from './ending.ts'
import type { RunFacts } from './facts.ts'
import { sentence } from './sentence.ts'
import type { Story } from './sentence.ts'

export function runStory(facts: RunFacts): Story {
  const { run, steps, publications } = facts
  const { overtakenBy } = facts
  const next = (
    overtakenBy !== null && run.endedAt !== null && run.state !== 'succeeded'
      ? [
          `batchwright show ${overtakenBy.runId}`,
          `batchwright explain ${run.runId}/${run.failure?.step ?? steps[0]?.name ?? ''}`,
        ]
      : commands(runView(run, steps, publications))
  ).map((command) => sentence(null, 'next', command, { command }))
  const state = run.paused && run.endedAt === null ? 'paused' : run.state
  return {
    title: `${runTitle(run)} is ${state}: run ${run.runId}`,
    chapters: [
      { title: 'how it began', sentences: beginning(facts) },
      { title: 'what happened', sentences: course(facts) },
      { title: run.endedAt === null ? 'where it stands' : 'how it ended', sentences: ending(facts) },
      { title: 'what readers see', sentences: publication(facts) },
      { title: 'next', sentences: next },
    ].filter(({ sentences }) => sentences.length > 0),
  }
}

/** What to look at, then what to do. */
function commands({ run, steps, published }: RunView): readonly string[] {
  const letters = steps.some((step) => dead(step.counters) > 0) ? [`batchwright dead-letters list ${run.runId}`] : []
  const window = run.window === null ? '' : ` --window ${run.window.key}`
  if (run.state === 'failed') {
    const step = run.failure?.step ?? ''
    return [
      ...letters,
      `batchwright explain ${run.runId}/${step}`,
      `batchwright logs ${run.runId} --step ${step}`,
      `batchwright retry ${run.runId}`,
    ]
  }
  if (run.state === 'cancelled') return [`batchwright retry ${run.runId}`]
  if (run.paused) return [`batchwright resume ${run.runId}`]
  if (run.state !== 'succeeded')
    return [`batchwright run ${run.job}${window}`, `batchwright logs ${run.runId} --follow`]
  const [first] = published
  const cat =
    first === undefined
      ? []
      : [`batchwright datasets cat ${first.dataset}${first.window === null ? '' : ` --window ${first.window}`}`]
  return [...cat, ...letters, `batchwright show ${run.runId}`]
}
