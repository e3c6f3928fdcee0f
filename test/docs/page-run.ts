/** Works through a page as its reader would: writes its files and types its commands, in the order of the page. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Block, Command, Page } from './blocks.ts'
import { LANGUAGES, readCommands, readSession } from './blocks.ts'
import { matches, tidy } from './compare.ts'
import type { Environment, Said } from './environment.ts'
import { ROOT, Shell } from './environment.ts'

/** Something on a page that is not as the page says. `said`: what a command printed where the page shows something else. */
export interface Mistake {
  readonly line: number
  readonly message: string
  readonly said: readonly string[] | null
}

/** Runs a page and returns its mistakes. Ends at the first command that did not end as it should. */
export async function runPage(environment: Environment, page: Page): Promise<readonly Mistake[]> {
  const project = environment.makeProject(page.page, page.project)
  const shell = new Shell(environment, project)
  const mistakes: Mistake[] = []
  for (const block of page.blocks) {
    if (block.file !== null && block.kind === 'file') writeFile(project, block.file, block.text)
    const problem = fenceProblem(block) ?? dataProblem(block) ?? partProblem(block, project)
    if (problem !== null) mistakes.push({ line: block.line, message: problem, said: null })
    if (block.kind !== 'session' && block.kind !== 'commands') continue
    for (const command of block.kind === 'session' ? readSession(block) : readCommands(block)) {
      const said = await shell.run(command.command)
      const mistake = judge(command, said, block.kind === 'session')
      if (mistake !== null) mistakes.push(mistake)
      if (said.exitCode !== command.exitCode) return mistakes
    }
  }
  return [...mistakes, ...(await runTheRest(shell, project, page))]
}

/** Path of an unnamed block of TypeScript, which stands for itself. */
export function fileOf({ file, line }: Block): string {
  return file ?? `block-${line}.ts`
}

function writeFile(project: string, file: string, text: string): void {
  const target = path.join(project, file)
  mkdirSync(path.dirname(target), { recursive: true })
  writeFileSync(target, `${text}\n`)
}

function judge(command: Command, said: Said, compared: boolean): Mistake | null {
  const { line, exitCode, output } = command
  const whole = tidy(`${said.stdout}\n${said.stderr}`.split('\n'))
  if (said.exitCode !== exitCode) {
    const ended = `expected it to end with ${exitCode}, it ended with ${String(said.exitCode)}`
    return { line, message: `${command.command}: ${ended}\n${whole.join('\n')}`, said: null }
  }
  const seen = tidy(`${said.stdout}\n${exitCode === 0 ? '' : errorsOf(said.stderr)}`.split('\n'))
  if (!compared || matches(output, seen)) return null
  return { line, message: `${command.command}: it says something else\n${seen.join('\n')}`, said: seen }
}

/** Progress and notes go to stderr, and differ from run to run: of a command that fails, pages show what stands from its error on. */
function errorsOf(stderr: string): string {
  const at = stderr.search(/^error:/m)
  return at === -1 ? '' : stderr.slice(at)
}

function fenceProblem({ kind, language }: Block): string | null {
  if (kind !== 'unknown') return null
  const known = Object.keys(LANGUAGES).join(', ')
  return `expected a fence of ${known}, one that names a file, or one with not-run="why"; found "${language}"`
}

function dataProblem({ kind, language, text }: Block): string | null {
  if (kind !== 'data' && kind !== 'file') return null
  try {
    if (language === 'json') JSON.parse(text)
    if (language === 'jsonl') for (const line of text.split('\n')) JSON.parse(line)
    return null
  } catch (thrown) {
    return `this is no ${language}: ${String(thrown)}`
  }
}

/** A part must stand in its file: of the page's project, or of the repository. */
function partProblem(block: Block, project: string): string | null {
  if (block.kind !== 'part' || block.file === null) return null
  for (const folder of [project, ROOT]) {
    const whole = readIfThere(path.join(folder, block.file))
    if (whole !== null) {
      return flat(whole).includes(flat(block.text)) ? null : `this does not stand in ${block.file}`
    }
  }
  return `expected a part of ${block.file}; there is no such file in this page's project or in the repository`
}

function flat(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return null
    throw thrown
  }
}

/** What no command of the page has run: unnamed TypeScript is loaded, jobs are defined, tests are run. */
async function runTheRest(shell: Shell, project: string, { blocks }: Page): Promise<readonly Mistake[]> {
  const typed = blocks.filter(({ kind }) => kind === 'session' || kind === 'commands')
  const wasRun = (word: RegExp): boolean => typed.some(({ text }) => word.test(text))
  const code = blocks.filter(({ kind, language, wrong }) => kind === 'file' && language === 'ts' && !wrong)
  const mistakes: Mistake[] = []
  const must = async (line: number, command: string): Promise<void> => {
    const { exitCode, stdout, stderr } = await shell.run(`cd '${project}' && ${command}`)
    if (exitCode !== 0) mistakes.push({ line, message: `${command}:\n${stdout}${stderr}`, said: null })
  }
  const unnamed = code.filter(({ file }) => file === null)
  for (const block of unnamed) writeFile(project, fileOf(block), block.text)
  const [loaded] = unnamed
  if (loaded !== undefined) {
    const imports = unnamed.map((block) => `await import('./${fileOf(block)}')`).join(';')
    await must(loaded.line, `node --input-type=module -e "${imports}"`)
  }
  const job = blocks.find(
    ({ kind, file, wrong }) =>
      kind === 'file' && !wrong && (file?.startsWith('jobs/') === true || file === 'batchwright.config.json'),
  )
  if (job !== undefined && !wasRun(/batchwright/)) await must(job.line, 'batchwright jobs')
  const test = code.find(({ file }) => file?.endsWith('.test.ts') === true)
  if (test !== undefined && !wasRun(/vitest|npm test|node --test/)) await must(test.line, 'vitest run')
  return mistakes
}
