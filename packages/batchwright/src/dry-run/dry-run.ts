import path from 'node:path'
import { driveRuns, stepFacts, submitRun, type AttemptLogLine } from '../engine/index.ts'
import { inlineExecutor } from '../executors/index.ts'
import type { JobDefinition, StepDefinition } from '../job/index.ts'
import { makeFolders } from '../kernel/storage.ts'
import { openSqliteStore, type RunRow, type Store } from '../store/index.ts'
import { skippedSteps, wantedSteps } from './choose-steps.ts'
import type { DryRunReport, DryRunRequest } from './contract.ts'
import { gatherOutputs, gatherSteps, type Gathering } from './gather.ts'
import { sampleInputs, type SampledDataset } from './inputs.ts'
import { rewire, type Rewired } from './rewire.ts'

/** Lines of the job's log that are kept. */
const LOG_LINES = 50

/**
 * Runs a job on a sample of its input, in this thread. Rejects only for what was asked wrongly (STEP_UNKNOWN,
 * WINDOW_INVALID, PARAMETER_INVALID, ...): what goes wrong in the job is in the report. An endless loop in the job's code
 * holds up this thread: whoever must not wait runs it in another process.
 */
export async function dryRun(request: DryRunRequest): Promise<DryRunReport> {
  const { job, scratch } = request
  const window = request.window === null || job.window === null ? null : job.window.parse(request.window)
  const wanted = wantedSteps(job, request.step)
  const inputs = await sampleInputs(wanted, request, window)
  const skipped = skippedSteps(wanted, inputs, request.effects)
  const running = wanted.filter((step) => !skipped.has(step.name))
  const whole = [...inputs.values()].every(({ input }) => input.whole)
  const rewired = rewire(job, { steps: running, inputs, project: request.project, whole })
  await makeFolders(path.join(scratch, '.batchwright'))
  const store = await openSqliteStore({ path: ':memory:', clock: request.clock, random: request.random })
  try {
    const logs: AttemptLogLine[] = []
    const run = running.length === 0 ? null : await drive(rewired, request, store, logs)
    return await report({ request, wanted, skipped, inputs, rewired, whole, store, run }, logs)
  } finally {
    await store.close()
  }
}

async function drive({ job }: Rewired, request: DryRunRequest, store: Store, logs: AttemptLogLine[]): Promise<RunRow> {
  const { clock, random, scratch, artifact, parameters, window, onStep } = request
  const { run } = await submitRun(
    store,
    job,
    { artifact, requestedBy: 'dry-run', parameters, ...(window === null ? {} : { window }) },
    { clock, random },
  )
  const { ended } = driveRuns([run.runId], {
    store,
    executors: [inlineExecutor({ clock, random, load: () => Promise.resolve(job) })],
    describe: ({ step }) => {
      onStep?.(step)
      return Promise.resolve(stepFacts(job, step))
    },
    folders: { project: scratch, state: path.join(scratch, '.batchwright') },
    slots: 1,
    clock,
    random,
    hooks: {
      log: (line) => {
        if (logs.length < LOG_LINES) logs.push(line)
      },
    },
  })
  const [row] = await ended
  return row ?? run
}

interface Finished extends Gathering {
  readonly request: DryRunRequest
  readonly wanted: readonly StepDefinition[]
  readonly inputs: ReadonlyMap<string, SampledDataset>
}

async function report(finished: Finished, logs: readonly AttemptLogLine[]): Promise<DryRunReport> {
  const { request, wanted, inputs, run } = finished
  const failure = run?.failure ?? null
  return {
    job: request.job.name,
    window: request.window,
    inputs: [...inputs.values()].map(({ input }) => input),
    steps: await gatherSteps(wanted, finished),
    outputs: await gatherOutputs(definitionsOf(request.job, wanted), finished),
    failure,
    logs: logs.map(({ step, level, message }) => ({ step, level, message })),
  }
}

function definitionsOf(job: JobDefinition, wanted: readonly StepDefinition[]): readonly StepDefinition[] {
  return job.steps.filter((step) => wanted.includes(step))
}
