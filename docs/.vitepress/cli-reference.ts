/**
 * Keeps the reference of the command line in step with the commands: `npm run docs:cli`.
 *
 * Each command has a page, docs/reference/cli/<command>.md, commands of a group share the group's. Prose is written by hand;
 * what the program knows stands between markers and is written here:
 *
 *   <!-- usage: dead-letters list -->  ...  <!-- /usage -->
 *
 * docs/reference/cli.md lists the commands between <!-- commands --> and <!-- /commands -->.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Command } from 'commander'
import type { Option } from 'commander'
import { format, resolveConfig } from 'prettier'
import { declareCommands } from '../../packages/batchwright/src/cli/program.ts'
import { Session } from '../../packages/batchwright/src/cli/session.ts'
import { openTerminal } from '../../packages/batchwright/src/cli/terminal.ts'
import { systemClock } from '../../packages/batchwright/src/kernel/clock.ts'
import { systemRandom } from '../../packages/batchwright/src/kernel/random.ts'

const FOLDER = path.resolve(import.meta.dirname, '../reference')
/** Said once, in docs/reference/cli.md. */
const SHARED = ['--project', '--json', '--verbose', '--no-color']

/** The commands as the program declares them; none is carried out. */
export function commandTree(): Command {
  const terminal = openTerminal({
    json: false,
    verbose: false,
    color: false,
    stdout: process.stdout,
    stderr: process.stderr,
    environment: {},
  })
  const program = new Command('batchwright')
  const session = new Session({
    terminal,
    clock: systemClock,
    random: systemRandom,
    workingFolder: FOLDER,
    environment: {},
  })
  declareCommands(program, session, () => undefined)
  return program
}

/** Path of a page below docs/reference, and what has to stand there. */
export async function pagesOfCommands(): Promise<ReadonlyMap<string, string>> {
  const program = commandTree()
  const pages = new Map<string, string>()
  for (const command of shownCommands(program)) {
    const page = `cli/${command.name()}.md`
    const subcommands = leaves(command)
    let text = readPage(page) ?? `# ${command.name()}\n\n${sentence(command.description())}\n`
    for (const each of subcommands) text = withUsage(text, each, each === command ? 1 : 2)
    pages.set(page, await tidy(page, text))
  }
  const overview = readPage('cli.md') ?? '# The command line\n\n<!-- commands -->\n<!-- /commands -->\n'
  pages.set('cli.md', await tidy('cli.md', between(overview, 'commands', 'commands', listOf(program))))
  return pages
}

/** The commands of a group; of a command that is none, itself. */
function leaves(command: Command): readonly Command[] {
  return command.commands.length === 0 ? [command] : shownCommands(command)
}

/** Those that help lists: shells call others, people do not. */
function shownCommands(command: Command): readonly Command[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((each) => each.name() !== 'help')
}

/** What the page holds now; null where there is none. */
export function readPage(page: string): string | null {
  const file = path.join(FOLDER, page)
  return existsSync(file) ? readFileSync(file, 'utf8') : null
}

function listOf(program: Command): string {
  const rows = shownCommands(program).flatMap((command) => {
    const page = `cli/${command.name()}.md`
    return leaves(command).map((each) => `| [\`${fullName(each)}\`](${page}) | ${cell(each.description())} |`)
  })
  return ['| command | what it does |', '| --- | --- |', ...rows].join('\n')
}

function withUsage(text: string, command: Command, level: number): string {
  const name = fullName(command)
  const marked = text.includes(`<!-- usage: ${name} -->`)
    ? text
    : `${text}\n${level === 2 ? `## ${name}\n\n${sentence(command.description())}\n\n` : ''}<!-- usage: ${name} -->\n<!-- /usage -->\n`
  return between(marked, `usage: ${name}`, 'usage', usageOf(command))
}

function between(text: string, start: string, end: string, content: string): string {
  const [open, close] = [`<!-- ${start} -->`, `<!-- /${end} -->`]
  const from = text.indexOf(open)
  const to = text.indexOf(close, from)
  if (from === -1 || to === -1) throw new Error(`expected ${open} and, after it, ${close}`)
  return `${text.slice(0, from)}${open}\n\n${content}\n\n${text.slice(to)}`
}

function usageOf(command: Command): string {
  const help = command.createHelp()
  const parts = command.registeredArguments.map((argument) => argument.name())
  const synopsis = ['batchwright', fullName(command), ...command.registeredArguments.map(argumentForm)]
  const options = help.visibleOptions(command).filter(({ long }) => long !== '--help' && !SHARED.includes(long ?? ''))
  const lines = ['```text', [...synopsis, ...(options.length > 0 ? ['[options]'] : [])].join(' '), '```']
  const described = command.registeredArguments.filter(({ description }) => description !== '')
  if (parts.length > 0 && described.length > 0) {
    lines.push('', '| argument | meaning |', '| --- | --- |')
    for (const argument of described) lines.push(`| \`${argument.name()}\` | ${cell(argument.description)} |`)
  }
  if (options.length > 0) {
    lines.push('', '| option | meaning |', '| --- | --- |')
    for (const option of options) lines.push(`| \`${cell(option.flags)}\` | ${cell(meaning(option))} |`)
  }
  return lines.join('\n')
}

function argumentForm(argument: { name(): string; required: boolean; variadic: boolean }): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`
  return argument.required ? `<${name}>` : `[${name}]`
}

function meaning({ description, argChoices, defaultValue }: Option): string {
  const choices = argChoices === undefined ? '' : `: ${argChoices.map((choice) => `\`${choice}\``).join(', ')}`
  const standard =
    defaultValue === undefined || typeof defaultValue === 'boolean' ? '' : `; default \`${String(defaultValue)}\``
  return `${description}${choices}${standard}`
}

function fullName(command: Command): string {
  const names: string[] = []
  for (let each = command; each.parent !== null; each = each.parent) names.unshift(each.name())
  return names.join(' ')
}

/** Angle brackets would be HTML, bars the ends of cells. */
function cell(text: string): string {
  return text.replace(/\|/g, '\\|')
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`
}

async function tidy(page: string, text: string): Promise<string> {
  const file = path.join(FOLDER, page)
  return format(text, { ...(await resolveConfig(file)), filepath: file })
}

if (process.argv[1] === import.meta.filename) {
  for (const [page, text] of await pagesOfCommands()) {
    mkdirSync(path.dirname(path.join(FOLDER, page)), { recursive: true })
    if (readPage(page) !== text) writeFileSync(path.join(FOLDER, page), text)
  }
}
