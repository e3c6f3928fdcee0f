/** Commander's complaints in our words: what was expected, what was found, what to type. */
import type { Command, CommanderError } from 'commander'
import type { UsageError } from './failure.ts'
import { usageError } from './failure.ts'
import { nearest } from './suggest.ts'

/** Where the names of an argument are listed. */
const LISTS: Readonly<Record<string, string>> = {
  job: '`batchwright jobs` lists the jobs',
  run: '`batchwright runs` lists the runs; `latest` is the newest',
  dataset: '`batchwright datasets` lists the datasets',
  id: '`batchwright dead-letters list` lists the dead letters',
  task: '`batchwright show` lists steps and partitions: a task is RUN/STEP/PARTITION',
}

export function complaint(thrown: CommanderError, program: Command, args: readonly string[]): UsageError {
  const command = commandOf(program, args)
  const typed = namesOf(command).join(' ')
  const help = `\`${typed} --help\``
  const refuse = (message: string, hint: string): UsageError => usageError({ code: 'USAGE', message, hint })
  const see = (near: string | null): string => (near === null ? `see ${help}` : `did you mean ${near}? See ${help}`)
  const text = thrown.message.replace(/^error: /, '').split('\n')[0] ?? ''

  if (thrown.code === 'commander.help') return refuse('a command is expected', `see ${help}`)
  if (thrown.code === 'commander.missingArgument') {
    const [, name = ''] = /'([^']+)'/.exec(text) ?? []
    const list = LISTS[name]
    return refuse(`${typed}: which ${name}?`, `type ${usageOf(command)}${list === undefined ? '' : `; ${list}`}`)
  }
  if (thrown.code === 'commander.excessArguments') {
    const extra = extraWords(command, args)
    const names = command.commands.map((each) => each.name()).filter((name) => name !== 'help')
    if (names.length > 0)
      return refuse(`${typed} has no command ${extra.split(' ')[0]}`, `there are: ${names.join(', ')}. See ${help}`)
    return refuse(`${typed}: expected nothing behind it, found ${extra}`, `type ${usageOf(command)}`)
  }
  const [, kind, given] = /^unknown (option|command) '([^']+)'/.exec(text) ?? []
  if (kind === 'option' && given !== undefined) {
    return refuse(`${typed} has no option ${given}`, see(nearest(given.split('=')[0] ?? given, optionsOf(command))))
  }
  if (kind === 'command' && given !== undefined) {
    const names = command.commands.map((each) => each.name())
    return refuse(`${typed} has no command ${JSON.stringify(given)}`, see(nearest(given, names)))
  }
  const invalid = /^option '([^']+)' argument '(.*)' is invalid\. (.*)$/.exec(text)
  if (invalid !== null) return refuse(...invalidValue(command, invalid, help))
  const missing = /^option '([^']+)' argument missing$/.exec(text)
  if (missing !== null)
    return refuse(`${longOf(missing[1] ?? '')}: expected a value behind it, found none`, `see ${help}`)
  return refuse(
    text.replaceAll(/'([^']+)'/g, (_, quoted: string) => longOf(quoted)),
    `see ${help}`,
  )
}

function invalidValue(command: Command, found: readonly string[], help: string): readonly [string, string] {
  const [, flags = '', value = '', why = ''] = found
  const option = command.options.find((each) => each.flags === flags)
  const choices = option?.argChoices
  if (choices === undefined) return [`${longOf(flags)} ${value}: ${why}`, `see ${help}`]
  const near = nearest(value, choices)
  return [
    `${longOf(flags)} ${value}: expected one of ${choices.join(', ')}`,
    near === null ? `see ${help}` : `did you mean ${near}?`,
  ]
}

/** `--limit <n>` is `--limit` in a sentence. */
function longOf(flags: string): string {
  return /--[\w-]+/.exec(flags)?.[0] ?? flags
}

/** The command that the arguments begin with, as far as they name one. */
function commandOf(program: Command, args: readonly string[]): Command {
  let command = program
  for (const arg of args.filter((each) => !each.startsWith('-'))) {
    const below = command.commands.find((each) => each.name() === arg || each.aliases().includes(arg))
    if (below === undefined) break
    command = below
  }
  return command
}

function namesOf(command: Command): readonly string[] {
  return [...(command.parent === null ? [] : namesOf(command.parent)), command.name()]
}

function optionsOf(command: Command): readonly string[] {
  return [...command.options.flatMap(({ long }) => (long === undefined ? [] : [long])), '--help']
}

/** `batchwright dead-letters show ID`, in backticks. */
function usageOf(command: Command): string {
  const words = command.registeredArguments.map((argument) => {
    const name = argument.name().toUpperCase()
    const many = argument.variadic ? `${name}...` : name
    return argument.required ? many : `[${many}]`
  })
  return `\`${[...namesOf(command), ...words].join(' ')}\``
}

/** Words that no argument of the command takes. */
function extraWords(command: Command, args: readonly string[]): string {
  const given = command.args.slice(command.registeredArguments.length)
  const words = given.length > 0 ? given : args.filter((each) => !each.startsWith('-')).slice(-1)
  return words.map((word) => JSON.stringify(word)).join(' ')
}
