import { spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import path from 'node:path'
import { Command } from 'commander'
import { beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../kernel/clock.ts'
import type { Clock } from '../../kernel/clock.ts'
import { systemRandom } from '../../kernel/random.ts'
import { CLI, makeProject, orders, ORDERS_JOB } from '../fixtures/project.ts'
import type { TestProject } from '../fixtures/project.ts'
import { declareCommands } from '../program.ts'
import { Session } from '../session.ts'
import { openTerminal } from '../terminal.ts'
import { openProject } from '../project.ts'
import { answersTo } from './answers.ts'
import { scanProject } from './scan.ts'
import { SHELLS } from './scripts.ts'
import { situationOf } from './situation.ts'

const FEBRUARY_JOB = `
import { daily } from 'batchwright'
import { rows } from '../shared/rows.ts'
export default job("february", { window: monthly({ timezone: 'Europe/London' }) }, (steps) => {
  steps.records('take').read(rows).write(dataset('february_rows', { window: daily() }))
})
`

let project: TestProject
let runId = ''

beforeAll(async () => {
  project = makeProject({
    'jobs/orders.ts': ORDERS_JOB,
    'in/2026-03-01.csv': orders(7),
    'bin/batchwright': `#!/bin/sh\nexec '${process.execPath}' '${CLI}' "$@"\n`,
  })
  chmodSync(path.join(project.folder, 'bin/batchwright'), 0o755)
  const { value } = await project.json<{ readonly runId: string }>('run', 'orders', '--window', '2026-03-01')
  runId = value.runId
  // Cannot be loaded: what it names is found all the same.
  project.write('jobs/february.ts', FEBRUARY_JOB)
  project.write('shared/rows.ts', "export const rows = dataset('shared_rows', {})\nexport { x } from './gone.ts'\n")
})

function programIn(folder: string): { readonly program: Command; readonly session: Session } {
  const terminal = openTerminal({
    json: false,
    verbose: false,
    color: false,
    stdout: process.stdout,
    stderr: process.stderr,
    environment: {},
  })
  const clock: Clock = {
    now: () => Date.parse('2026-05-20T12:00:00Z'),
    monotonic: () => systemClock.monotonic(),
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
    after: (ms, callback, options) => systemClock.after(ms, callback, options),
  }
  const session = new Session({ terminal, clock, random: systemRandom, workingFolder: folder, environment: {} })
  const program = new Command('batchwright')
  declareCommands(program, session, () => undefined)
  return { program, session }
}

/** What is offered at the end of a line; of a line that ends with a space, for its next word. */
async function offered(line: string): Promise<readonly string[] | string> {
  const { program, session } = programIn(project.folder)
  try {
    const answers = await answersTo(session, situationOf(program, line.split(' ')))
    return typeof answers === 'string' ? answers : answers.map(({ value }) => value)
  } finally {
    await session.close()
  }
}

describe('what is offered', () => {
  test('every command that help shows, and no hidden one', async () => {
    const commands = programIn(project.folder).program.commands.map((each) => each.name())
    const found = await offered('')
    expect(found).toEqual([...commands.filter((name) => name !== 'complete'), 'help'])
    expect(await offered('dead-l')).toEqual(['dead-letters'])
    expect(await offered('dead-letters ')).toContain('replay')
  })

  test('options of the command, without those given, and their choices', async () => {
    expect(await offered('runs --li')).toEqual(['--limit'])
    expect(await offered('runs --limit 3 --li')).toEqual([])
    expect(await offered('runs --state ')).toEqual(['queued', 'running', 'succeeded', 'failed', 'cancelled'])
    expect(await offered('runs --state=fa')).toEqual(['--state=failed'])
    expect(await offered('completion ')).toEqual([...SHELLS])
    expect(await offered('runs --limit ')).toEqual([])
  })

  test('jobs, from the text of their files: those that cannot be loaded too', async () => {
    expect(await offered('run ')).toEqual(['february', 'orders'])
    expect(await offered('run or')).toEqual(['orders'])
    expect(await offered('runs --job ')).toEqual(['february', 'orders'])
  })

  test('a job that has run is offered although its file is gone', async () => {
    const { session, program } = programIn(project.folder)
    const without = { ...session.project, jobFiles: [] }
    expect(scanProject(without)).toEqual({ jobs: [], datasets: [] })
    Object.defineProperty(session, 'project', { value: without })
    const answers = await answersTo(session, situationOf(program, ['run', '']))
    expect(answers).toEqual([{ value: 'orders', about: 'has run' }])
    await session.close()
  })

  test('windows of the job: the next, and those it has run for; for one that never ran the last full one', async () => {
    expect(await offered('run orders --window ')).toEqual(['2026-03-02', '2026-03-01'])
    expect(await offered('run --window=2026-03-01 o')).toEqual(['orders'])
    expect(await offered('run orders --window=2026-03-01')).toEqual(['--window=2026-03-01'])
    expect(await offered('run february --window ')).toEqual(['2026-04'])
    expect(await offered('rerun orders --window ')).toEqual(['2026-03-01'])
    expect(await offered('datasets cat clean_orders --window ')).toEqual(['2026-03-01'])
  })

  test('runs with their job, window and state; steps, tasks, reasons and dead letters of the run that is named', async () => {
    const { program, session } = programIn(project.folder)
    const runs = await answersTo(session, situationOf(program, ['show', runId.slice(0, 5)]))
    await session.close()
    const [answer] = typeof runs === 'string' ? [] : runs
    expect(answer?.value).toBe(runId)
    expect(answer?.about).toMatch(/^orders 2026-03-01 succeeded, /)
    expect(await offered('show ')).toEqual(['latest', 'orders', runId])
    expect(await offered(`retry ${runId} --from `)).toEqual(['clean'])
    expect(await offered('debug ')).toEqual([`${runId}/clean/0`])
    expect(await offered('dead-letters list --reason ')).toEqual(['no_quantity'])
    const letters = await offered('dead-letters show ')
    expect(letters).toHaveLength(2)
    expect(await offered(`dead-letters discard ${letters[0] ?? ''} `)).toEqual(letters)
  })

  test('datasets, those of files that a job file imports too', async () => {
    expect(await offered('datasets show ')).toEqual(['clean_orders', 'february_rows', 'raw_orders', 'shared_rows'])
  })

  test('codes of errors and runs for explain; files and folders are the shell’s own', async () => {
    expect(await offered('explain JOB_UNK')).toEqual(['JOB_UNKNOWN'])
    expect(await offered('explain lat')).toEqual(['latest'])
    expect(await offered('runs --project ')).toBe('folders')
    expect(await offered('dead-letters export --output ')).toBe('files')
  })

  test('outside a project, commands and options, and nothing is made there', async () => {
    const empty = makeProject({ readme: '' })
    const { program, session } = programIn(empty.folder)
    expect(await answersTo(session, situationOf(program, ['run', '']))).toEqual([])
    expect(await answersTo(session, situationOf(program, ['dead-letters', 'sh']))).toMatchObject([{ value: 'show' }])
    const jobs = makeProject({ 'jobs/orders.ts': ORDERS_JOB })
    const other = programIn(jobs.folder)
    expect(await answersTo(other.session, situationOf(other.program, ['show', '']))).toEqual([])
    expect(openProject(jobs.folder, undefined, {}).jobFiles).toHaveLength(1)
    expect(jobs.files('.batchwright/**')).toEqual([])
  })
})

/** Continuous integration has all three shells, and fails where one is missing; elsewhere those that are there are tried. */
function isTried(shell: string): boolean {
  return process.env['CI'] !== undefined || spawnSync(shell, ['-c', 'exit']).error === undefined
}

describe('the shells themselves', () => {
  function environment(): NodeJS.ProcessEnv {
    const searched = [path.join(project.folder, 'bin'), process.env['PATH']].join(':')
    return { PATH: searched, HOME: project.folder, LC_ALL: 'C.UTF-8', TERM: 'xterm' }
  }

  function shell(program: string, args: readonly string[], script: string): string {
    const { status, stdout, stderr, error } = spawnSync(program, [...args, script], {
      cwd: project.folder,
      env: environment(),
      encoding: 'utf8',
    })
    if (error !== undefined) throw new Error(`${program} must be installed to test completion in it`, { cause: error })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    return stdout
  }

  test('bash completes a job, a run, and a window behind an equals sign', () => {
    const script = `
      source <(batchwright completion bash)
      offer() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _batchwright; printf '%s\\n' "\${COMPREPLY[@]}" --; }
      offer batchwright run ''
      offer batchwright show 1
      offer batchwright run orders --window = 2026-03-01
      complete -p batchwright`
    expect(shell('bash', ['--norc', '-c'], script)).toBe(
      `february\norders\n--\n${runId}\n--\n2026-03-01\n--\ncomplete -o nosort -F _batchwright batchwright\n`,
    )
  })

  if (isTried('fish')) {
    test('fish completes a job, and shows what a run is', () => {
      const script = `
        batchwright completion fish | source
        complete -C 'batchwright run '
        complete -C 'batchwright show 1'`
      expect(shell('fish', ['--no-config', '-c'], script)).toMatch(
        new RegExp(
          `^february\\tjobs/february.ts\norders\\tjobs/orders.ts\n${runId}\\torders 2026-03-01 succeeded, .+\n$`,
        ),
      )
    })
  }

  if (isTried('zsh')) {
    test('zsh completes a job, and windows with what they are', () => {
      // Only zsh's own listing is stood in for: it draws on a screen.
      const script = `
        autoload -U compinit; compinit -u -D
        eval "$(batchwright completion zsh)"
        _describe() { print -rl -- "\${(@P)argv[-1]}" -- }
        offer() { local -a words; words=("$@"); local CURRENT=$#; _batchwright }
        offer batchwright run or
        offer batchwright run orders --window ''
        print -r -- "$_comps[batchwright]"`
      expect(shell('zsh', ['-f', '-c'], script)).toMatch(
        /^orders:jobs\/orders\.ts\n--\n2026-03-02:the next\n2026-03-01:orders succeeded\n--\n_batchwright\n$/,
      )
    })
  }
})

describe('nothing goes wrong at the Tab key', () => {
  test('an answer is never an error, whatever the project is like', async () => {
    const broken = makeProject({ 'batchwright.config.json': '{', 'jobs/a.ts': 'export default job("a", {})' })
    expect(await broken.cli('complete', 'zsh', '--', 'run', '')).toEqual({
      code: 0,
      signal: null,
      stdout: '',
      stderr: '',
    })
    const words = ['complete', 'zsh', '--', 'runs', '--json', '--no-color', '--sta']
    expect(await project.cli(...words)).toMatchObject({ code: 0, stdout: '--state\tin this state\n' })
  })

  test('the script is for the shell that SHELL names, unless one is named', async () => {
    const fish = await project.start(['completion'], { SHELL: '/usr/bin/fish' }).finished
    expect(fish.stdout).toContain('function __batchwright_complete')
    const unknown = await project.start(['completion'], { SHELL: '/bin/tcsh' }).finished
    expect(unknown).toMatchObject({ code: 2, stdout: '' })
    expect(unknown.stderr).toContain('batchwright completion bash')
  })
})
