/** The fenced code blocks of a Markdown page, and what is to be done with each. How to write one: docs/contributing.md. */

/** `file`: written into the page's project. `session`: commands with their output. `commands`: commands alone. */
export type BlockKind = 'file' | 'part' | 'session' | 'commands' | 'data' | 'picture' | 'not run' | 'unknown'

export interface Block {
  readonly page: string
  /** Of the opening fence, from 1. */
  readonly line: number
  readonly kind: BlockKind
  readonly language: string
  /** Of a file: its path in the page's project. Of a part: the file it is taken from. */
  readonly file: string | null
  /** It shows a mistake on purpose, and is not compiled. */
  readonly wrong: boolean
  readonly text: string
}

export interface Page {
  readonly page: string
  /** The project it starts from: a folder under test/docs/projects. Without one it starts from nothing. */
  readonly project: string | null
  readonly blocks: readonly Block[]
}

const FENCE = /^(\s*)(`{3,})(.*)$/
/** What a block without a name is. Any text with a name is a file. */
export const LANGUAGES: Readonly<Record<string, BlockKind>> = {
  ts: 'file',
  sh: 'commands',
  console: 'session',
  json: 'data',
  jsonl: 'data',
  csv: 'data',
  yaml: 'data',
  text: 'picture',
}

/** Reads the blocks of a page. One whose fence does not say what it is, is `unknown`. */
export function readPage(page: string, markdown: string): Page {
  const lines = markdown.split('\n')
  const blocks: Block[] = []
  for (let at = 0; at < lines.length; at += 1) {
    const [, indent = '', fence, info = ''] = FENCE.exec(lines[at] ?? '') ?? []
    if (fence === undefined) continue
    const end = lines.findIndex((line, index) => index > at && line.trim() === fence)
    if (end === -1) throw new Error(`${page}:${at + 1}: this fence is never closed`)
    const text = lines.slice(at + 1, end).map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line))
    blocks.push({ page, line: at + 1, text: text.join('\n'), ...readInfo(info.trim()) })
    at = end
  }
  return { page, project: /<!-- project: (\S+) -->/.exec(markdown)?.[1] ?? null, blocks }
}

function readInfo(info: string): Pick<Block, 'kind' | 'language' | 'file' | 'wrong'> {
  const [, language = '', rest = ''] = /^(\w*)\s*(.*)$/.exec(info) ?? []
  const [, named] = /\[([^\]]+)\]/.exec(rest) ?? []
  const [, reason] = /not-run="([^"]+)"/.exec(rest) ?? []
  const wrong = /(?:^|\s)wrong(?:\s|$)/.test(rest)
  if (reason !== undefined) return { kind: 'not run', language, file: null, wrong }
  const kind = LANGUAGES[language]
  if (kind === undefined && named === undefined) return { kind: 'unknown', language, file: null, wrong }
  if (named?.startsWith('part of ') === true) {
    return { kind: 'part', language, file: named.slice('part of '.length), wrong }
  }
  return { kind: named === undefined && kind !== undefined ? kind : 'file', language, file: named ?? null, wrong }
}

/** A command of a session, with the output that the page shows. */
export interface Command {
  /** Of the command's last line, from 1. */
  readonly line: number
  readonly command: string
  readonly exitCode: number
  readonly output: readonly string[]
}

const EXIT_CODE = /\s+# exit code (\d+)$/

/** The commands of a session: lines that begin with `$ `, with `> ` where they go on. */
export function readSession({ line, text }: Block): readonly Command[] {
  const commands: { line: number; command: string; exitCode: number; output: string[] }[] = []
  for (const [index, content] of text.split('\n').entries()) {
    const last = commands.at(-1)
    if (content.startsWith('$ ')) {
      const exitCode = Number(EXIT_CODE.exec(content)?.[1] ?? 0)
      commands.push({ line: line + 1 + index, command: content.slice(2).replace(EXIT_CODE, ''), exitCode, output: [] })
    } else if (last === undefined) {
      throw new Error('a session begins with a command: a line that starts with "$ "')
    } else if (content.startsWith('> ') && last.output.length === 0 && last.command.endsWith('\\')) {
      last.command += `\n${content.slice(2)}`
      last.line += 1
    } else {
      last.output.push(content)
    }
  }
  return commands
}

/** The commands of a block without output: a line each, `\` where they go on. */
export function readCommands({ line, text }: Block): readonly Command[] {
  const commands: Command[] = []
  let begun = ''
  for (const [index, content] of text.split('\n').entries()) {
    begun += content
    if (content.endsWith('\\')) {
      begun += '\n'
      continue
    }
    const command = begun.trim()
    begun = ''
    if (command === '' || command.startsWith('#')) continue
    const exitCode = Number(EXIT_CODE.exec(command)?.[1] ?? 0)
    commands.push({ line: line + 1 + index, command: command.replace(EXIT_CODE, ''), exitCode, output: [] })
  }
  return commands
}
