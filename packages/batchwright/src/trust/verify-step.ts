import type { StepDefinition } from '../job/index.ts'
import type { ControlTotals, Counters, Snapshot, StepOutput } from '../protocol/index.ts'
import { runChecks } from './checks.ts'
import type { Finding } from './finding.ts'
import { recordCountHistory } from './history.ts'
import { judgeLimits } from './limits.ts'
import { compareControls, reconcile, type ExpectedRead } from './reconcile.ts'

export interface VerifyStepRequest {
  readonly step: StepDefinition
  readonly output: StepOutput
  readonly counters: Counters
  readonly controls: ControlTotals
  /** Totals of the steps it reads. */
  readonly upstream: readonly { readonly step: string; readonly controls: ControlTotals; readonly counters: Counters }[]
  /** What it had to read: `expectedReads`, or null where that is not known (dead letters that are replayed). */
  readonly expectedRead: readonly ExpectedRead[] | null
  /** The folder of the dataset it writes, absolute, and the window; null where it writes none. */
  readonly dataset: { readonly folder: string; readonly windowKey: string | null } | null
  /** For what does not fit in memory; private to the attempt. */
  readonly spillFolder: string
}

/**
 * Judges a whole step before anything of it is published: reconciliation, limits, control totals, then the checks of its
 * dataset. Throws nothing for what does not hold: `refuseFailures` does. Errors: those of reading its parts.
 */
export async function verifyStep(request: VerifyStepRequest): Promise<readonly Finding[]> {
  const { step, output, counters, controls, upstream, expectedRead } = request
  if (step.kind === 'function') return []
  const findings = [
    ...reconcile({ step: step.name, counters, output, expectedRead }),
    ...(step.kind === 'records'
      ? judgeLimits({ step: step.name, counters, rejects: step.rejects, skip: step.skip })
      : []),
    ...compareControls(step.name, controls, upstream),
  ]
  if (step.output === null || request.dataset === null || step.output.dataset.checks.length === 0) return findings
  const parts = [...output.tasks].sort((a, b) => a.index - b.index).flatMap((task) => task.output.outputs['main'] ?? [])
  const history = await recordCountHistory(request.dataset.folder, request.dataset.windowKey)
  const checks = await runChecks({ dataset: step.output.dataset, parts, history, spillFolder: request.spillFolder })
  return [...findings, ...checks]
}

/**
 * What a step had to read: the records of its snapshot, or of the step it reads. Null for function steps, and for queries:
 * nobody counts what a query reads.
 */
export function expectedReads(
  step: StepDefinition,
  snapshot: Snapshot | null,
  upstream: VerifyStepRequest['upstream'],
): readonly ExpectedRead[] | null {
  if (step.kind === 'function' || step.kind === 'sql') return null
  const { input } = step
  if (input.from === 'step') {
    const records = upstream.find((other) => other.step === input.step)?.counters.written ?? 0
    return [{ from: `step ${input.step}`, records }]
  }
  const records = (snapshot?.files ?? []).reduce((sum, file) => sum + file.records, 0)
  return [{ from: 'its snapshot', records }]
}
