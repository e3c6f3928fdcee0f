/** What every process that runs tasks puts together: executors, the way to look steps up, what is kept out of logs. */
import type { DescribeStep, PublishedDataset } from '../engine/index.ts'
import { stepFacts } from '../engine/index.ts'
import type { Executor } from '../executors/index.ts'
import { inlineExecutor, processExecutor, threadExecutor } from '../executors/index.ts'
import type { JobDefinition } from '../job/model.ts'
import { datasetFolder } from '../data/index.ts'
import { Redactor } from '../observe/index.ts'
import { loadArtifact, readSecret } from '../runtime/index.ts'
import { newestNumber } from './datasets.ts'
import type { ArtifactRef } from '../protocol/index.ts'
import type { Session } from './session.ts'

export interface ExecutorChoice {
  /** Bytes of one slot's heap; default as configured, else the executor's. */
  readonly slotMemory?: number
  /** Steps run in this thread. */
  readonly inline?: boolean
  /** A debugger that is attached stops at the first call of the job's own code. */
  readonly stopAtFirstCall?: boolean
}

/** The executors of a process that runs tasks. */
export function executorsOf(session: Session, choice: ExecutorChoice): readonly Executor[] {
  const { clock } = session
  const stopAtFirstCall = choice.stopAtFirstCall ?? false
  const inline = inlineExecutor({ clock, stopAtFirstCall })
  if (choice.inline === true) return [inline]
  const memory = memoryOf(session, choice)
  return [
    threadExecutor({ clock, stopAtFirstCall, ...memory }),
    processExecutor({ clock, stopAtFirstCall, ...memory }),
    inline,
  ]
}

/** V8 counts in MiB. */
function memoryOf({ project }: Session, { slotMemory }: ExecutorChoice): { readonly maxOldGenerationMb?: number } {
  const bytes = slotMemory ?? project.configuration.slotMemory.value
  return bytes === null ? {} : { maxOldGenerationMb: Math.floor(bytes / 2 ** 20) }
}

export interface DescribeOptions {
  readonly inline: boolean
  /** Whoever stands at a breakpoint has all the time in the world: no time-outs. */
  readonly patient: boolean
  /** Before an artifact is loaded: brings it here where it is not. */
  readonly fetch: (artifact: ArtifactRef) => Promise<void>
}

/** Looks steps up in their artifact, which is kept in memory once it is loaded. */
export function describeWith(projectFolder: string, { inline, patient, fetch }: DescribeOptions): DescribeStep {
  const fetched = new Set<string>()
  return async ({ codeVersion, artifactPath, step }) => {
    if (!fetched.has(codeVersion)) {
      await fetch({ codeVersion, path: artifactPath })
      fetched.add(codeVersion)
    }
    const definition = await loadArtifact({ codeVersion, path: artifactPath })
    const facts = stepFacts(definition, step)
    return {
      ...facts,
      isolation: inline ? 'inline' : facts.isolation,
      ...(patient ? { timeoutMs: null, runTimeoutMs: null } : {}),
      publishes: facts.publishes.map((published) => withNewest(published, definition, projectFolder)),
    }
  }
}

function withNewest(published: PublishedDataset, definition: JobDefinition, projectFolder: string): PublishedDataset {
  const dataset = definition.datasets.get(published.dataset)
  if (dataset === undefined) return published
  return { ...published, newest: (windowKey) => newestNumber(datasetFolder(projectFolder, dataset), windowKey) }
}

/** Takes out the secrets of the job's services, as they are when the run begins. Slots take out those that they read later. */
export async function redactionOf(definition: JobDefinition): Promise<(text: string) => string> {
  const redactor = new Redactor()
  const names = definition.steps.flatMap((step) => [...step.services.values()].flatMap((service) => service.secrets))
  for (const name of new Set(names)) {
    // One that cannot be read cannot be logged either; whoever opens the service says what is wrong with it.
    const secret = await readSecret(name, process.env, 'the log').catch(() => null)
    if (secret !== null) redactor.hide(secret, name)
  }
  return (text) => redactor.text(text)
}
