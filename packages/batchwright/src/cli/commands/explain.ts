/** `explain CODE|RUN|TASK`: what an error means, or what happened. */
import type { JsonValue } from '../../kernel/errors.ts'
import type { Store } from '../../store/index.ts'
import { asCode, explainCode } from '../explain-code.ts'
import { gatherRunFacts } from '../explain/facts.ts'
import { runStory } from '../explain/run-story.ts'
import type { Story } from '../explain/sentence.ts'
import { gatherStepFacts, stepStory } from '../explain/step-story.ts'
import { gatherTaskFacts, taskStory } from '../explain/task-story.ts'
import { selectPlace } from '../place.ts'
import { storyJson, storyLines } from '../render/story.ts'
import type { Session } from '../session.ts'

/** `batchwright explain WHAT`: an error's code (`JOB_UNKNOWN`, `job-unknown`), else a run or a task. */
export async function explain(session: Session, what: string): Promise<void> {
  const code = asCode(what)
  if (code === null) await explainPlace(session, what)
  else explainCode(session, code)
}

/** A run, a step or a task, told from the event log. */
async function explainPlace(session: Session, what: string): Promise<void> {
  const story = await storyOf(await session.store(), what)
  session.terminal.printJson(storyJson(story.told, story.about))
  session.terminal.print(storyLines(story.told, session.terminal))
}

async function storyOf(
  store: Store,
  what: string,
): Promise<{ readonly told: Story; readonly about: Readonly<Record<string, JsonValue>> }> {
  const { run, step, task } = await selectPlace(store, what)
  const about = { run: run.runId, step: step?.name ?? null, task: task?.kind ?? null, partition: task?.index ?? null }
  if (step !== null && task !== null) {
    return { told: taskStory(await gatherTaskFacts(store, { run, step, task })), about }
  }
  const facts = await gatherRunFacts(store, run)
  if (step === null) return { told: runStory(facts), about }
  return { told: stepStory(await gatherStepFacts(store, facts, step)), about }
}
