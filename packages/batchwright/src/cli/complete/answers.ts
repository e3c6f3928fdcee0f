/** What may stand at the cursor, with a few words about it each. */
import type { Command } from 'commander'
import { readLetters } from '../letters.ts'
import type { Project } from '../project.ts'
import { runFolder } from '../project.ts'
import { count, instant } from '../render/text.ts'
import { selectRun } from '../select.ts'
import type { Session } from '../session.ts'
import { runTitle } from '../view.ts'
import type { RunRow, Store } from '../../store/contract.ts'
import type { Scan } from './scan.ts'
import { scanProject } from './scan.ts'
import type { Asked, Situation } from './situation.ts'
import { upcomingWindows, type Answer } from './windows.ts'

/** Answers, in the order to be shown; or that the shell's own names of files or folders are meant. */
export type Answers = readonly Answer[] | 'files' | 'folders'

/** Shown at once at most: more nobody reads. */
const MOST = 100

/** All that fits what has been begun. */
export async function answersTo(session: Session, situation: Situation): Promise<Answers> {
  const { begun, prefix } = situation
  const found = await allAnswers(session, situation)
  if (typeof found === 'string') return found
  return found
    .filter(({ value }) => value.startsWith(begun))
    .slice(0, MOST)
    .map(({ value, about }) => ({ value: `${prefix}${value}`, about }))
}

async function allAnswers(session: Session, situation: Situation): Promise<Answers> {
  const { command, value } = situation
  if (situation.options) return optionsOf(command, situation.used)
  const commands = situation.commands ? commandsOf(command) : []
  if (value === null) return commands
  const { choices } = value
  if (choices !== null) return [...commands, ...choices.map((choice) => ({ value: choice, about: '' }))]
  const place = PLACES[value.name]
  if (place === undefined) return commands
  if (typeof place === 'string') return place
  const project = openOrNull(session, situation)
  return project === null ? commands : [...commands, ...(await place(new Sight(session, project, situation, value)))]
}

/** As help shows them: hidden ones stay hidden. */
function commandsOf(command: Command): readonly Answer[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((each) => ({ value: each.name(), about: each.description() }))
}

function optionsOf(command: Command, used: ReadonlySet<string>): readonly Answer[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long, short, description }) => {
      const value = long ?? short
      return value === undefined || used.has(value) ? [] : [{ value, about: description }]
    })
}

function openOrNull(session: Session, { given }: Situation): Project | null {
  session.chooseProject(given.get('dir'))
  try {
    return session.project
  } catch {
    // Outside a project there is nothing to name; the command itself will say so.
    return null
  }
}

/** What answers look at: the project as it is, opened as far as asked for. */
class Sight {
  readonly session: Session
  readonly project: Project
  readonly asked: Asked
  readonly given: ReadonlyMap<string, string>
  readonly command: Command

  constructor(session: Session, project: Project, { given, command }: Situation, asked: Asked) {
    this.session = session
    this.project = project
    this.given = given
    this.command = command
    this.asked = asked
  }

  scan(): Scan {
    return scanProject(this.project)
  }

  /** Null where nothing was ever run: a Tab creates no store. */
  store(): Promise<Store | null> {
    return this.session.hasStore() ? this.session.store() : Promise.resolve(null)
  }

  /** The run that the words before the cursor mean; the latest where they name none. Null where there is none. */
  async run(): Promise<RunRow | null> {
    const store = await this.store()
    if (store === null) return null
    const [run = this.given.get('job')] = [this.given.get('run') ?? this.given.get('task')?.split('/')[0]]
    try {
      return await selectRun(store, { run, window: this.given.get('window') })
    } catch {
      return null
    }
  }
}

type Place = (sight: Sight) => Promise<readonly Answer[]> | readonly Answer[]

/** By the name that a declaration gives the place of a value. */
const PLACES: Readonly<Partial<Record<string, Place | 'files' | 'folders'>>> = {
  job: jobs,
  run: runs,
  what: async (sight) => [...(await runs(sight)), ...(await codes())],
  task: tasks,
  window: windows,
  dataset: datasets,
  step: steps,
  id: letters,
  ids: letters,
  reason: reasons,
  dir: 'folders',
  folder: 'folders',
  file: 'files',
}

async function jobs(sight: Sight): Promise<readonly Answer[]> {
  const scanned = sight.scan().jobs.map(({ name, file }) => ({ value: name, about: file }))
  const known = new Set(scanned.map(({ value }) => value))
  // A name that a file computes is not found in its text, and known from what has run.
  const ran = (await rowsOf(sight, {})).map(({ job }) => job).filter((job) => !known.has(job))
  return [...scanned, ...[...new Set(ran)].map((job) => ({ value: job, about: 'has run' }))].sort(byValue)
}

function byValue(left: Answer, right: Answer): number {
  return left.value < right.value ? -1 : 1
}

async function rowsOf(sight: Sight, filter: { readonly job?: string }): Promise<readonly RunRow[]> {
  const store = await sight.store()
  return store === null ? [] : (await store.listRuns({ ...filter, limit: 200 })).items
}

/** Ids, the newest first; and the jobs, each of which stands for its latest run. */
async function runs(sight: Sight): Promise<readonly Answer[]> {
  const rows = await rowsOf(sight, {})
  if (rows.length === 0) return []
  const ids = rows.map((run) => ({ value: run.runId, about: `${runTitle(run)} ${stateOf(run)}` }))
  const names = [...new Set(rows.map((run) => run.job))]
  return [
    { value: 'latest', about: 'the newest run' },
    ...names.map((job) => ({ value: job, about: `the newest run of ${job}` })),
    ...ids,
  ]
}

function stateOf(run: RunRow): string {
  return `${run.paused && run.endedAt === null ? 'paused' : run.state}, ${instant(run.createdAt)}`
}

async function tasks(sight: Sight): Promise<readonly Answer[]> {
  const run = await sight.run()
  const store = await sight.store()
  if (run === null || store === null) return []
  const rows = await store.listTasks(run.runId, { kind: 'partition', limit: MOST })
  return rows.map((task) => ({
    value: `${run.runId}/${task.step}/${task.index ?? 0}`,
    about: `${task.state}${task.label === '' ? '' : `, ${task.label}`}`,
  }))
}

async function codes(): Promise<readonly Answer[]> {
  const { CATALOGUE } = await import('../catalogue/index.ts')
  return [...CATALOGUE].map(([code, entry]) => ({ value: code, about: entry.title }))
}

/** Windows of the job, run or dataset that is named; of a job also those that come next. */
async function windows(sight: Sight): Promise<readonly Answer[]> {
  const dataset = sight.given.get('dataset')
  if (dataset !== undefined) return publishedWindows(sight, dataset)
  const job = sight.given.get('job') ?? sight.given.get('run')
  const rows = await rowsOf(sight, job === undefined ? {} : { job })
  const newest = new Map<string, RunRow>()
  for (const run of rows) if (run.window !== null && !newest.has(run.window.key)) newest.set(run.window.key, run)
  const ran = [...newest].map(([key, run]) => ({ value: key, about: `${run.job} ${run.state}` }))
  const starts = sight.command.name() === 'run' || sight.command.name() === 'plan'
  const next = starts && job !== undefined ? await nextWindows(sight, job, rows) : []
  return [...next, ...ran.sort(byValue).reverse()]
}

async function nextWindows(sight: Sight, job: string, rows: readonly RunRow[]): Promise<readonly Answer[]> {
  const kind = sight.scan().jobs.find(({ name }) => name === job)?.window ?? null
  const newest = rows
    .flatMap(({ window }) => (window === null ? [] : [window]))
    .sort((left, right) => (left.start < right.start ? 1 : -1))
  return upcomingWindows(kind, newest[0] ?? null, sight.session.clock.now())
}

async function publishedWindows(sight: Sight, dataset: string): Promise<readonly Answer[]> {
  const store = await sight.store()
  const rows = store === null ? [] : await store.listPublications({ dataset })
  const newest = new Map<string, number>()
  for (const { window, number, state } of rows) {
    if (window === null || state !== 'published') continue
    newest.set(window.key, Math.max(number, newest.get(window.key) ?? 0))
  }
  return [...newest]
    .map(([value, number]) => ({ value, about: `version ${count(number)}` }))
    .sort(byValue)
    .reverse()
}

function datasets(sight: Sight): readonly Answer[] {
  return sight.scan().datasets.map((value) => ({ value, about: '' }))
}

async function steps(sight: Sight): Promise<readonly Answer[]> {
  const run = await sight.run()
  const store = await sight.store()
  if (run !== null && store !== null) {
    return (await store.listSteps(run.runId)).map(({ name, state }) => ({ value: name, about: state }))
  }
  const job = sight.given.get('job')
  const scanned = sight.scan().jobs.filter(({ name }) => job === undefined || name === job)
  return [...new Set(scanned.flatMap((each) => each.steps))].map((value) => ({ value, about: '' }))
}

async function letters(sight: Sight): Promise<readonly Answer[]> {
  const run = await sight.run()
  const store = await sight.store()
  if (run === null || store === null) return []
  const answers: Answer[] = []
  for await (const { letter } of readLetters(store, run.runId, runFolder(sight.project, run.runId), {})) {
    answers.push({ value: letter.id, about: `${letter.reason}, record ${count(letter.position.record)}` })
    if (answers.length >= MOST) break
  }
  return answers
}

async function reasons(sight: Sight): Promise<readonly Answer[]> {
  const run = await sight.run()
  const store = await sight.store()
  if (run === null || store === null) return []
  const sums = new Map<string, number>()
  for (const { counters } of await store.listSteps(run.runId)) {
    for (const [reason, records] of Object.entries(counters.reasons))
      sums.set(reason, (sums.get(reason) ?? 0) + records)
  }
  return [...sums].map(([value, records]) => ({ value, about: `${count(records)} dead letters` }))
}
