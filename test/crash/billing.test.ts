/**
 * The billing example, killed. Real processes, SIGKILL, the same command typed again until it succeeds; then what is
 * published must equal what an undisturbed run publishes, byte for byte, and nothing may be left over.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { generate } from '../../examples/billing/generate.ts'
import { batchwright, scratchProject, start } from '../../examples/billing/scratch.ts'
import type { FailPoint } from '../../packages/batchwright/src/kernel/failpoint.ts'
import { seededRandom } from '../../packages/batchwright/src/kernel/random.ts'

const KILLS = 25
const RUN = ['run', 'billing', '--window', '2011-01']
const DATASETS = ['invoices', 'customer_month', 'month_totals']

const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000)
const data = mkdtempSync(path.join(tmpdir(), 'crash-data-'))
const projects: string[] = []
let undisturbed: Outcome
let undisturbedMs: number

/** What a project comes to in the end: the same after any number of crashes. */
interface Outcome {
  /** SHA-256 of each published file, by its path in the project. */
  readonly published: Readonly<Record<string, string>>
  readonly run: RunOutcome
  /** As they are exported. */
  readonly deadLetters: string
  /** Files that nothing should have left behind. */
  readonly leftovers: readonly string[]
}

interface RunOutcome {
  readonly state: string
  readonly revision: number
  readonly steps: readonly StepCounters[]
}

interface StepCounters {
  readonly name: string
  readonly state: string
  readonly read: number
  readonly accepted: number
  readonly written: number
  readonly dropped: number
  readonly dead: number
  readonly reasons: Readonly<Record<string, number>>
  readonly controls: Readonly<Record<string, string>>
}

/** The example's job, made to commit all the time, so that a crash finds it between any two of its acts. */
function crashProject(): string {
  const folder = scratchProject()
  projects.push(folder)
  const job = path.join(folder, 'jobs', 'billing.ts')
  edit(job, `.skip('20%')`, `.skip('20%').commit({ chunk: 10, everyChunks: 2 })`)
  edit(job, `'*': '20%'`, `'*': '60%'`)
  return folder
}

/** Invoices too large for the memory that the reduce step may use. */
function spill(project: string): void {
  edit(path.join(project, 'jobs', 'billing.ts'), '.buckets(1)', `.buckets(1).memory('1MB')`)
  edit(path.join(project, 'jobs', 'totals.ts'), 'first: null,', `first: null, ...{ ballast: 'x'.repeat(50_000) },`)
}

function edit(file: string, old: string, replacement: string): void {
  const source = readFileSync(file, 'utf8')
  if (!source.includes(old)) throw new Error(`expected ${old} in ${file}`)
  writeFileSync(file, source.replaceAll(old, replacement))
}

async function outcomeOf(project: string): Promise<Outcome> {
  const [shown, deadLetters] = await Promise.all([
    batchwright(project, data, ['show', '--json']),
    batchwright(project, data, ['dead-letters', 'export', 'billing']),
  ])
  const { state, revision, steps } = JSON.parse(shown) as RunOutcome // the command line's own format
  const run = { state, revision, steps: steps.map(countersOf) }
  return { published: publishedFiles(project), run, deadLetters, leftovers: leftoversIn(project) }
}

function countersOf({
  name,
  state,
  read,
  accepted,
  written,
  dropped,
  dead,
  reasons,
  controls,
}: StepCounters): StepCounters {
  return { name, state, read, accepted, written, dropped, dead, reasons, controls }
}

function publishedFiles(project: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const name of DATASETS) {
    for (const file of filesIn(path.join(project, 'out', name))) {
      const relative = path.relative(project, file)
      // A manifest says when and by which run it was made: that it is the first and only one is what counts.
      const manifest = relative.includes(`${path.sep}manifests${path.sep}`)
      found[relative] = manifest ? 'a manifest' : createHash('sha256').update(readFileSync(file)).digest('hex')
    }
  }
  return found
}

/** Staged output anywhere; in the runs' own folders, parts of attempts beside the dead letters that are kept. */
function leftoversIn(project: string): string[] {
  const staged = filesIn(path.join(project, 'out')).filter((file) => file.includes('.staging'))
  const private_ = filesIn(path.join(project, '.batchwright', 'runs')).filter((file) => {
    return /[\\/]\d+-f\d+[\\/]/.test(file) && !path.basename(file).startsWith('dead-')
  })
  return [...staged, ...private_].map((file) => path.relative(project, file))
}

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name))
}

/** Each line a second time at the end: wherever a crash strikes, lines that were accepted before it have repeats after it. */
function repeatLines(file: string): void {
  const text = gunzipSync(readFileSync(file)).toString('utf8')
  writeFileSync(file, gzipSync(text + text.slice(text.indexOf('\n') + 1)))
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

beforeAll(async () => {
  generate({ out: data, from: '2011-01', months: 1, scale: 0.1, seed: 3 })
  for (const file of filesIn(path.join(data, 'retail', 'files'))) repeatLines(file)
  const project = crashProject()
  undisturbedMs = await timed(() => batchwright(project, data, RUN))
  undisturbed = await outcomeOf(project)
}, 120_000)

afterAll(() => {
  for (const folder of [data, ...projects]) rmSync(folder, { recursive: true, force: true })
})

test('the undisturbed run reconciles and leaves nothing over', () => {
  expect(undisturbed.leftovers).toEqual([])
  expect(Object.keys(undisturbed.published)).toHaveLength(2 * DATASETS.length)
  expect(undisturbed.run).toMatchObject({ state: 'succeeded', revision: 1 })
  for (const step of undisturbed.run.steps) expect(step.read, step.name).toBe(step.accepted + step.dropped + step.dead)
})

test(`killed at ${KILLS} random moments and typed again, it publishes the same bytes (CRASH_SEED=${seed})`, async () => {
  const random = seededRandom(seed)
  let kills = 0
  while (kills < KILLS) {
    const project = crashProject()
    for (let over = false; !over;) {
      const { child, ended } = start(project, data, RUN)
      const moment = random.integer(Math.ceil(undisturbedMs))
      const killer = kills < KILLS ? setTimeout(() => child.kill('SIGKILL'), moment) : undefined
      const { code, signal, stdout, stderr } = await ended
      clearTimeout(killer)
      if (signal === 'SIGKILL') kills += 1
      else {
        expect(code, `after ${kills} kills\n${stdout}\n${stderr}`).toBe(0)
        over = true
      }
    }
    expect(await outcomeOf(project), `after ${kills} kills`).toEqual(undisturbed)
  }
}, 240_000)

/** The points that this job passes, and how often before the kill: late enough that there is something to lose. */
const POINTS: Readonly<Partial<Record<FailPoint, number>>> = {
  'plan.batch-added': 1,
  'plan.sealed': 1,
  'loop.sink-committed': 5,
  'loop.checkpointed': 5,
  'loop.distinct-seen': 150,
  'loop.finished': 2,
  'reduce.spilled': 1,
  'verify.started': 1,
  'publish.started': 1,
  'publish.linked': 2,
  'publish.manifest-created': 2,
  'publish.recorded': 1,
  'store.finish-before-commit': 2,
}

for (const [point, times] of Object.entries(POINTS)) {
  test(`killed at ${point} and typed again, it publishes the same bytes`, async () => {
    const project = crashProject()
    if (point === 'reduce.spilled') spill(project)
    const armed = { BATCHWRIGHT_FAIL_POINTS: `${point}@${times}=kill` }
    const { signal, stdout, stderr } = await start(project, data, RUN, armed).ended
    expect(signal, `${point} was not passed ${times} times\n${stdout}\n${stderr}`).toBe('SIGKILL')
    await batchwright(project, data, RUN)
    expect(await outcomeOf(project)).toEqual(undisturbed)
  })
}
