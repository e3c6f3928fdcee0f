import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addCounters, CollectingPort, failure, finished } from './fixtures/room.ts'
import type {
  Assignment,
  AttemptEnd,
  Counters,
  ControlTotals,
  PartitionPlan,
  PlanSummary,
  StepOutput,
} from '../protocol/index.ts'
import { buildArtifact, createHost, runAttempt } from './index.ts'
import { addControls } from './totals.ts'

const JOB = `import { check, contract, csv, daily, dataset, field, job, jsonl, monthly, record, reject } from 'batchwright'

const lineRow = record({ invoice: field.text(), amount: field.decimal({ scale: 3 }) })
const totalRow = record({ invoice: field.text(), total: field.decimal({ scale: 3 }) })
const lines = dataset('lines', {
  window: daily(), missing: 'skip', files: ({ window }) => \`lines/\${window.date}.csv\`, format: csv(), contract: contract(1, lineRow),
})
const invoices = dataset('invoices', {
  window: monthly(), location: 'out/invoices', format: jsonl(), contract: contract(1, totalRow), checks: [check.unique('invoice')],
})
const totals = dataset('totals', {
  window: monthly(), location: 'out/totals', format: csv(), contract: contract(1, record({ total: field.decimal({ scale: 3 }) })),
})

export default job('months', { window: monthly() }, (steps) => {
  const rated = steps.records('rate').read(lines)
    .process((line) => {
      if (line.invoice === 'crash') throw new TypeError('cannot rate ' + line.invoice)
      return line.amount.isZero() ? reject('zero_price') : line
    })
    .rejects({ zero_price: '40%' })
    .control({ amount: (line) => line.amount })
  const summed = steps.reduce('invoice').read(rated).by((line) => line.invoice)
    .fold({
      initial: () => [],
      add: (state, line) => { state.push(line.amount); return state },
      finish: (state, invoice) => ({ invoice, total: state.reduce((sum, amount) => sum.plus(amount)) }),
    })
    .write(invoices)
  steps.sql('total').read({ invoices: summed }).query('select sum(total) as total from invoices order by 1').write(totals)
  steps.function('tell', async (context) => {
    await context.save({ told: Number(context.progress?.told ?? 0) + 1 }, 0.5)
    return { window: context.window.key }
  })
})
`

const WINDOW = {
  kind: 'month',
  key: '2011-01',
  start: '2011-01-01T00:00:00Z',
  end: '2011-02-01T00:00:00Z',
  timezone: 'UTC',
} as const

let project = ''
const host = createHost()

beforeAll(async () => {
  project = await mkdtemp(path.join(os.tmpdir(), 'batchwright-job-'))
  await write('jobs/months.ts', JOB)
  await write('lines/2011-01-03.csv', 'invoice,amount\nB,1.125\nA,2.500\nA,0\n')
  await write('lines/2011-01-05.csv', 'invoice,amount\nA,0.001\n')
})

afterAll(async () => {
  await host.close()
  await rm(project, { recursive: true })
})

async function write(name: string, text: string): Promise<void> {
  await mkdir(path.dirname(path.join(project, name)), { recursive: true })
  await writeFile(path.join(project, name), text)
}

type Special<Kind extends Assignment['kind']> = Omit<
  Extract<Assignment, { readonly kind: Kind }>,
  'ref' | 'run' | 'folders' | 'artifact' | 'timeoutMs'
>

let fence = 0

async function attempt(
  special: Special<'plan'> | Special<'partition'> | Special<'verify'> | Special<'publish'>,
  port = new CollectingPort(),
): Promise<AttemptEnd> {
  const state = path.join(project, '.batchwright')
  const artifact = await buildArtifact({
    jobFile: 'jobs/months.ts',
    projectFolder: project,
    artifactsFolder: path.join(state, 'artifacts'),
  })
  fence += 1
  const assignment = {
    ...special,
    ref: { taskId: 1, fence, attempt: 1 },
    run: {
      runId: 'r1',
      job: 'months',
      revision: 1,
      window: WINDOW,
      parameters: {},
      logicalTime: WINDOW.end,
      seed: 1,
    },
    folders: { project, state, run: path.join(state, 'runs/r1') },
    artifact,
    timeoutMs: null,
  }
  return runAttempt(assignment, port, host)
}

interface Ran {
  readonly plan: PlanSummary
  readonly output: StepOutput
  readonly totals: { readonly counters: Counters; readonly controls: ControlTotals }
  readonly verified: AttemptEnd
}

/** Plans, runs and verifies a step. */
async function runStep(step: string, upstream: readonly Ran[] = []): Promise<Ran> {
  const port = new CollectingPort()
  const planned = await attempt(
    { kind: 'plan', step, upstream: upstream.map((each) => each.output), expected: null },
    port,
  )
  if (planned.kind !== 'planned') throw new Error(JSON.stringify(planned))
  expect(planned.plan.partitions).toBe(port.plans.length)
  const tasks = []
  for (const partition of port.plans)
    tasks.push({ index: partition.index, output: finished(await runPartition(step, partition)) })
  const output = { step, tasks }
  const totals = {
    counters: addCounters(tasks.map((task) => task.output.counters)),
    controls: addControls(tasks.map((task) => task.output.controls)),
  }
  const verified = await attempt({
    kind: 'verify',
    step,
    output,
    snapshot: planned.plan.snapshot,
    totals,
    upstream: upstream.map((each) => ({ step: each.output.step, ...each.totals })),
  })
  return { plan: planned.plan, output, totals, verified }
}

function runPartition(step: string, partition: PartitionPlan, port = new CollectingPort()): Promise<AttemptEnd> {
  return attempt({ kind: 'partition', step, partition, checkpoint: null }, port)
}

describe('a job from its file to its published datasets', () => {
  test('each kind of step is planned, run and verified, and its datasets are published', async () => {
    const rated = await runStep('rate')
    expect(rated.plan.snapshot?.files.map((file) => file.path)).toEqual([
      'lines/2011-01-03.csv',
      'lines/2011-01-05.csv',
    ])
    expect(rated.totals.counters).toMatchObject({ read: 4, accepted: 3, deadByRule: 1 })
    expect(rated.totals.controls).toEqual({ amount: '3.626' })
    expect(finished(rated.verified).result).toHaveProperty('checks')

    const invoices = await runStep('invoice', [rated])
    const total = await runStep('total', [invoices])
    const told = await runStep('tell')
    expect(told.output.tasks[0]?.output.result).toEqual({ window: '2011-01' })

    const intents = ['invoice', 'total'].map((step) => ({
      step,
      dataset: step === 'invoice' ? 'invoices' : 'totals',
      window: WINDOW,
      number: 1,
    }))
    const special = {
      kind: 'publish',
      step: 'total',
      intents,
      outputs: [invoices.output, total.output],
      inputs: [],
    } as const
    const published = finished(await attempt(special))
    expect(published.result).toEqual({
      published: [
        { dataset: 'invoices', window: '2011-01', number: 1, records: 2 },
        { dataset: 'totals', window: '2011-01', number: 1, records: 1 },
      ],
    })
    expect(finished(await attempt(special)).result).toEqual(published.result)
    expect(await readFile(path.join(project, 'out/totals/2011-01/v000001/part-00000.csv'), 'utf8')).toBe(
      'total\n3.626\n',
    )
  })

  test('planning again gives the same plan', async () => {
    const one = new CollectingPort()
    const two = new CollectingPort()
    const first = await attempt({ kind: 'plan', step: 'rate', upstream: [], expected: null }, one)
    const second = await attempt({ kind: 'plan', step: 'rate', upstream: [], expected: null }, two)
    expect(second).toEqual(first)
    expect(two.plans).toEqual(one.plans)
  })

  test('a limit that the step as a whole exceeds fails its verification, with the numbers', async () => {
    await write('lines/2011-01-04.csv', 'invoice,amount\nA,0\nB,0\nC,0\n')
    const { verified } = await runStep('rate')
    await rm(path.join(project, 'lines/2011-01-04.csv'))
    const error = failure(verified)
    expect(error.code).toBe('VERIFICATION_FAILED')
    expect(error.message).toContain('zero_price')
  })

  test("a failure is shown with its place in the job's own TypeScript", async () => {
    await write('lines/2011-01-06.csv', 'invoice,amount\ncrash,1\n')
    const port = new CollectingPort()
    await attempt({ kind: 'plan', step: 'rate', upstream: [], expected: null }, port)
    const partition = port.plans.at(-1)
    if (partition === undefined) throw new Error('no partition')
    const error = failure(await runPartition('rate', partition))
    await rm(path.join(project, 'lines/2011-01-06.csv'))
    expect(error.message).toContain('record 1 of lines/2011-01-06.csv failed: cannot rate crash')
    const line = JOB.split('\n').findIndex((text) => text.includes('throw new TypeError')) + 1
    expect(error.cause?.stack).toContain(`jobs/months.ts:${String(line)}:`)
  })

  test('a function step finds its progress again', async () => {
    const port = new CollectingPort()
    const partition = { index: 0, payload: null, label: 'tell', records: null, bytes: null }
    await runPartition('tell', partition, port)
    const checkpoint = port.checkpoints.at(-1) ?? null
    const again = new CollectingPort()
    await attempt({ kind: 'partition', step: 'tell', partition, checkpoint }, again)
    expect(again.checkpoints.at(-1)?.state).toMatchObject({ progress: { told: 2 } })
    expect(again.checkpoints.at(-1)?.sequence).toBe(2)
  })
})
