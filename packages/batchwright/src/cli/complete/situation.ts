/** Where on a command line the cursor stands, told by the commands' own declarations. */
import type { Argument, Command, Option } from 'commander'

/** What may stand at the cursor. */
export interface Situation {
  /** The command that the words before the cursor have come to. */
  readonly command: Command
  /** Its commands may follow. */
  readonly commands: boolean
  /** Its options may follow: one has been begun. */
  readonly options: boolean
  /** The value that is asked for: an argument's, or an option's. */
  readonly value: Asked | null
  /** What has been begun, as it is to be completed. */
  readonly begun: string
  /** Stands before each answer: `--window=`. */
  readonly prefix: string
  /** Values given before the cursor, by the names of their places: `job`, `run`, `window`. */
  readonly given: ReadonlyMap<string, string>
  /** Options given before the cursor: `--window`. */
  readonly used: ReadonlySet<string>
}

export interface Asked {
  /** As the declaration names it, without its brackets: `window` of `--window <window>`, `run` of `[run]`. */
  readonly name: string
  /** The option that it belongs to: `--step`; null for an argument. */
  readonly option: string | null
  readonly choices: readonly string[] | null
}

/** `words` are those after the program's name; the last is the one at the cursor, and may be empty. */
export function situationOf(program: Command, words: readonly string[]): Situation {
  let command = program
  let operands = 0
  let pending: Option | null = null
  let literal = false
  const given = new Map<string, string>()
  const used = new Set<string>()
  for (const word of words.slice(0, -1)) {
    if (pending !== null) {
      given.set(nameOf(pending), word)
      pending = null
    } else if (!literal && word === '--') literal = true
    else if (!literal && word.startsWith('-') && word !== '-') {
      const [flag = '', inline] = cut(word)
      const option = optionOf(command, flag)
      if (option === null) continue
      used.add(option.long ?? flag)
      if (inline !== undefined) given.set(nameOf(option), inline)
      else if (option.required) pending = option
    } else {
      const next = operands === 0 ? commandOf(command, word) : null
      if (next !== null) {
        command = next
        continue
      }
      command = operands === 0 ? defaultOf(command) : command
      const argument = argumentAt(command, operands)
      if (argument !== null) given.set(argument.name(), word)
      operands += 1
    }
  }
  const begun = words.at(-1) ?? ''
  const base = { command, given, used, begun, prefix: '', commands: false, options: false, value: null }
  if (pending !== null) return { ...base, value: askedBy(pending) }
  if (!literal && begun.startsWith('--') && begun.includes('=')) {
    const [flag = '', inline = ''] = cut(begun)
    const option = optionOf(command, flag)
    return { ...base, begun: inline, prefix: `${flag}=`, value: option?.required === true ? askedBy(option) : null }
  }
  if (!literal && begun.startsWith('-')) return { ...base, options: true }
  const argument = argumentAt(defaultOf(command), operands)
  return { ...base, commands: operands === 0, value: argument === null ? null : asked(argument) }
}

function cut(word: string): readonly string[] {
  const at = word.indexOf('=')
  return at === -1 ? [word] : [word.slice(0, at), word.slice(at + 1)]
}

function optionOf(command: Command, flag: string): Option | null {
  for (let place: Command | null = command; place !== null; place = place.parent) {
    const found = place.options.find(({ long, short }) => flag === long || flag === short)
    if (found !== undefined) return found
  }
  return null
}

function commandOf(command: Command, word: string): Command | null {
  return command.commands.find((each) => each.name() === word || each.aliases().includes(word)) ?? null
}

/** The command that a group stands for where none of its own is named. */
function defaultOf(command: Command): Command {
  return command.registeredArguments.length > 0 ? command : (commandOf(command, 'list') ?? command)
}

function argumentAt(command: Command, index: number): Argument | null {
  const last = command.registeredArguments.at(-1)
  return command.registeredArguments[index] ?? (last?.variadic === true ? last : null)
}

function asked(argument: Argument): Asked {
  return { name: argument.name(), option: null, choices: argument.argChoices ?? null }
}

function askedBy(option: Option): Asked {
  return { name: nameOf(option), option: option.long ?? null, choices: option.argChoices ?? null }
}

/** The place of an option's value: `window` of `--window <window>`; of a flag, its own name. */
function nameOf(option: Option): string {
  return /[<[]([^>\]]+)[>\]]/.exec(option.flags)?.[1] ?? option.name()
}
