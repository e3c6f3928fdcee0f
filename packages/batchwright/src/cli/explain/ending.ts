/** How a run ended, or why it has not; what was published, or why not. */
import type { JsonValue } from '../../kernel/errors.ts'
import type { PublicationRow, RunRow, WaitingStep } from '../../store/contract.ts'
import { isJsonObject } from '../json.ts'
import { plural } from '../render/text.ts'
import type { RunFacts } from './facts.ts'
import { textOf } from './facts.ts'
import { inWords } from './people.ts'
import { clause, listed, sentence, span } from './sentence.ts'
import type { Sentence } from './sentence.ts'

export function ending(facts: RunFacts): readonly Sentence[] {
  const { run } = facts
  switch (run.state) {
    case 'succeeded':
      return [succeeded(facts)]
    case 'failed':
      return failed(run)
    case 'cancelled':
      return [cancelled(facts)]
    case 'queued':
    case 'running':
      return now(facts)
  }
}

function succeeded({ run, steps }: RunFacts): Sentence {
  const took = (run.endedAt ?? run.createdAt) - (run.startedAt ?? run.createdAt)
  return sentence(run.endedAt, 'succeeded', `It succeeded: ${plural(steps.length, 'step')} in ${span(took)}.`, {
    durationMs: took,
  })
}

function cancelled({ run, events }: RunFacts): Sentence {
  const event = events.findLast(({ type }) => type === 'run.cancelled')
  const by = inWords(textOf(event?.data['by']))
  const why = clause(textOf(event?.data['why']))
  return sentence(run.endedAt, 'cancelled', `It was cancelled by ${by}${why === '' ? '' : `: ${why}`}.`, {
    ...event?.data,
  })
}

function failed(run: RunRow): readonly Sentence[] {
  const { failure, endedAt } = run
  if (failure === null) return []
  const facts = { code: failure.code, step: failure.step, partition: failure.index }
  const findings = failedFindings(failure.details?.['failed'])
  if (findings.length > 0) return findings.map((finding) => blocked(run, finding))
  const place = failure.index === null ? `step ${failure.step}` : `partition ${failure.index} of step ${failure.step}`
  const again = failure.retryable
    ? 'Its attempts were used up.'
    : 'An error of this kind is not retried: it would come again.'
  const text = `It failed in ${place} with ${failure.code}: ${clause(failure.message)}. ${again}`
  return [sentence(endedAt, 'failed', text, facts)]
}

interface FailedFinding {
  readonly kind: string
  readonly name: string
  readonly expected: string
  readonly found: string
  readonly hint: string
  readonly samples: readonly JsonValue[]
}

function failedFindings(value: JsonValue | undefined): readonly FailedFinding[] {
  if (!Array.isArray(value)) return []
  return value.filter(isJsonObject).map((finding) => ({
    kind: textOf(finding['kind']),
    name: textOf(finding['name']),
    expected: textOf(finding['expected']),
    found: textOf(finding['found']),
    hint: textOf(finding['hint']),
    samples: Array.isArray(finding['samples']) ? finding['samples'] : [],
  }))
}

const BROKEN: Readonly<Record<string, string>> = {
  limit: 'a limit was passed',
  check: 'a check of its output did not hold',
  reconciliation: 'its counts do not reconcile',
  control: 'its control totals do not agree',
}

function blocked({ endedAt, failure }: RunRow, finding: FailedFinding): Sentence {
  const { kind, name, expected, found, samples } = finding
  const step = failure?.step ?? ''
  const shown = samples.slice(0, 3).map((sample) => (typeof sample === 'string' ? sample : JSON.stringify(sample)))
  const such = shown.length === 0 ? '' : ` For example ${listed(shown)}.`
  const text = `Step ${step} was blocked, because ${BROKEN[kind] ?? kind}: ${name}, expected ${expected}, found ${found}.${such}`
  return sentence(endedAt, 'blocked', text, { step, rule: kind, name, expected, found, samples })
}

/** Why a run that has not ended is where it is. */
function now(facts: RunFacts): readonly Sentence[] {
  const { run, running, nextDueMs, workers, gone, steps } = facts
  if (run.paused)
    return [sentence(null, 'waiting', 'It is paused: nothing is handed out until it is resumed.', { why: 'paused' })]
  if (running.length > 0) return [atWork(facts), ...facts.waitingSteps.map(waitsForPlace)]
  const alive = workers.filter(({ state, workerId }) => state === 'alive' && !gone.has(workerId))
  if (alive.length === 0) {
    const text = 'It waits: no process is at work in this project.'
    return [sentence(null, 'waiting', text, { why: 'no worker' })]
  }
  if (nextDueMs !== null && nextDueMs > 0) {
    const text = `It waits for a retry that is due in ${span(nextDueMs)}.`
    return [sentence(null, 'waiting', text, { why: 'retry', dueInMs: nextDueMs })]
  }
  if (facts.waitingSteps.length > 0) return facts.waitingSteps.map(waitsForPlace)
  const open = steps.find(({ state }) => state === 'planning' || state === 'running' || state === 'verifying')
  const ready = open === undefined ? '' : `, while step ${open.name} has tasks that are ready`
  const text = `It waits for a slot: ${workersText(alive)} ${alive.length === 1 ? 'is' : 'are'} at work in this project and ${alive.length === 1 ? 'has' : 'have'} not taken it up${ready}.`
  return [sentence(null, 'waiting', text, { why: 'no slot', workers: alive.map(({ workerId }) => workerId) })]
}

/** Why a step with tasks that are ready gets no slot though one may be free. */
function waitsForPlace({ step, cause }: WaitingStep): Sentence {
  if (cause.kind === 'pool-closed') {
    const text = `Step ${step} waits: pool ${cause.pool} is closed until \`batchwright pools open ${cause.pool}\`.`
    return sentence(null, 'waiting', text, { why: 'pool closed', step, pool: cause.pool })
  }
  const { slots, inUse } = cause
  if (cause.kind === 'pool-full') {
    const text = `Step ${step} waits for a place in pool ${cause.pool}: ${inUse} of ${slots} in use.`
    return sentence(null, 'waiting', text, { why: 'pool full', step, pool: cause.pool, slots, inUse })
  }
  const text = `Step ${step} waits for tenant ${cause.tenant}: ${inUse} of its ${slots} tasks at once are at work.`
  return sentence(null, 'waiting', text, { why: 'tenant full', step, tenant: cause.tenant, slots, inUse })
}

function workersText(workers: readonly { readonly host: string; readonly pid: number }[]): string {
  return listed(
    workers.map(({ host, pid }) => `process ${pid} on ${host}`),
    3,
  )
}

function atWork({ running, steps, workers: known, gone, now: moment }: RunFacts): Sentence {
  const workers = [...new Map(running.map(({ worker }) => [worker.workerId, worker])).values()]
  if (workers.every(({ workerId }) => gone.has(workerId))) {
    const text = `It waits: ${workersText(workers)} held ${plural(running.length, 'task')} and ${workers.length === 1 ? 'is' : 'are'} gone. Whoever works on the run next takes them over, from their last checkpoints.`
    return sentence(null, 'waiting', text, { why: 'worker gone', workers: workers.map(({ workerId }) => workerId) })
  }
  const silent = known.filter(
    ({ workerId, expiresAt }) => workers.some((one) => one.workerId === workerId) && expiresAt <= moment,
  )
  if (silent.length === workers.length) {
    const latest = Math.max(...silent.map(({ expiresAt }) => expiresAt))
    const text = `It waits: ${workersText(workers)} held ${plural(running.length, 'task')} and ${workers.length === 1 ? 'has' : 'have'} given no sign of life, so that the lease ran out ${span(moment - latest)} ago. Whoever works on the run next takes them over, from their last checkpoints.`
    return sentence(null, 'waiting', text, { why: 'worker lost', workers: workers.map(({ workerId }) => workerId) })
  }
  const names = [...new Set(running.map(({ step }) => step))]
  const left = steps.reduce((sum, step) => sum + step.tasks - step.tasksDone, 0)
  const more =
    left > running.length
      ? `; ${plural(left - running.length, 'partition')} more of the steps planned so far ${left - running.length === 1 ? 'is' : 'are'} to come`
      : ''
  const text = `${capital(workersText(workers))} ${workers.length === 1 ? 'is' : 'are'} at work on ${plural(running.length, 'task')} of ${names.length === 1 ? 'step' : 'steps'} ${listed(names)}${more}.`
  return sentence(null, 'at-work', text, { workers: workers.map(({ workerId }) => workerId), tasks: running.length })
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`
}

/** What readers see of it. */
export function publication({ run, publications, current, overtakenBy, steps }: RunFacts): readonly Sentence[] {
  const published = publications.filter(({ state }) => state === 'published')
  const sentences = [...Map.groupBy(published, ({ publishedAt }) => publishedAt)].map(([at, group]) => {
    const names = group.map(
      ({ dataset, window, number }) => `${dataset}${window === null ? '' : ` ${window.key}`} v${number}`,
    )
    const how = group.length > 1 ? ', together, in one act' : ''
    return sentence(at, 'published', `Published: ${listed(names)}${how}.`, { versions: names })
  })
  const replaced = current
    .filter(({ dataset, window, number }) =>
      published.some((mine) => mine.dataset === dataset && mine.window?.key === window?.key && mine.number < number),
    )
    .map((version) => replacedBy(version))
  const waiting = steps.filter(({ publish, state }) => publish !== 'none' && state !== 'succeeded')
  if (waiting.length === 0) return [...sentences, ...replaced]
  const names = listed(waiting.map(({ name }) => name))
  const intended = publications.some(({ state }) => state === 'intended')
  return [
    ...sentences,
    ...replaced,
    ...(overtakenBy === null ? [] : [overtaken(overtakenBy)]),
    sentence(null, 'not-published', notPublished(run, names, intended, overtakenBy !== null), {
      steps: waiting.map(({ name }) => name),
    }),
  ]
}

function replacedBy({ dataset, window, number, rollbackTo, runId, publishedAt }: PublicationRow): Sentence {
  const by = rollbackTo === null ? `run ${runId ?? ''} published it` : `a rollback shows version ${rollbackTo} again`
  const text = `Readers see ${dataset}${window === null ? '' : ` ${window.key}`} v${number} now: ${by}.`
  return sentence(publishedAt, 'replaced', text, { dataset, version: number, rollbackTo, by: runId })
}

function overtaken({ revision, runId }: RunRow): Sentence {
  const text = `Revision ${revision} has succeeded since, run ${runId}: there is nothing to mend here.`
  return sentence(null, 'overtaken', text, { revision, by: runId })
}

function notPublished(run: RunRow, names: string, intended: boolean, overtaken: boolean): string {
  if (intended) return `The publication of ${names} was begun and has not ended; it is finished when the run goes on.`
  if (run.state === 'failed' || run.state === 'cancelled') {
    return `Nothing of ${names} was published: what a run publishes together becomes visible after all its checks, or not at all.${overtaken ? '' : ' Readers see the versions of before.'}`
  }
  return `Nothing of ${names} is published yet: that is done when every step is verified.`
}
