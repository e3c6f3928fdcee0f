/** `completion` and the hidden `complete`: what a shell asks for when somebody presses Tab. */
import path from 'node:path'
import type { Command } from 'commander'
import type { Answers } from '../complete/answers.ts'
import { answersTo } from '../complete/answers.ts'
import type { Shell } from '../complete/scripts.ts'
import { FILES, FOLDERS, scriptFor, SHELLS } from '../complete/scripts.ts'
import { situationOf } from '../complete/situation.ts'
import { usageError } from '../failure.ts'
import { printable } from '../render/text.ts'
import type { Session } from '../session.ts'

/** `batchwright completion SHELL`: `{ shell, script }`. Without a name, for the shell that SHELL names. */
export function completion({ terminal, environment }: Session, given: Shell | undefined): void {
  const shell = given ?? SHELLS.find((each) => each === path.basename(environment['SHELL'] ?? ''))
  if (shell === undefined) {
    throw usageError({
      code: 'USAGE',
      message: 'completion for which shell? SHELL names none of those that are known',
      hint: `name it: \`batchwright completion bash\`; there are ${SHELLS.join(', ')}`,
    })
  }
  const script = scriptFor(shell)
  terminal.printJson({ shell, script })
  terminal.print([script.trimEnd()])
}

/**
 * Answers a shell: one line each, a tab, what it is about. `words` are those after the program's name, the one at the cursor
 * last. Whatever goes wrong, nothing is said: an error in the middle of somebody's typing helps nobody.
 */
export async function complete(
  session: Session,
  program: Command,
  shell: Shell,
  words: readonly string[],
): Promise<void> {
  session.terminal.print(await linesFor(session, program, shell, shell === 'bash' ? joined(words) : words))
}

async function linesFor(
  session: Session,
  program: Command,
  shell: Shell,
  words: readonly string[],
): Promise<readonly string[]> {
  const situation = situationOf(program, words)
  // bash replaces what stands behind `=` only.
  const { prefix, ...asked } = situation
  try {
    return lines(await answersTo(session, shell === 'bash' ? { ...asked, prefix: '' } : { ...asked, prefix }))
  } catch {
    // A press of the Tab key is no place for an error: the command itself tells it.
    return []
  }
}

function lines(answers: Answers): readonly string[] {
  if (answers === 'files') return [FILES]
  if (answers === 'folders') return [FOLDERS]
  return answers.map(({ value, about }) => `${value}\t${printable(about)}`)
}

/** bash takes `=` for a word of its own: `--window`, `=`, `2011-01` is one word to us. */
function joined(words: readonly string[]): readonly string[] {
  const whole: string[] = []
  for (const [index, word] of words.entries()) {
    const before = whole.at(-1)
    const joins = word === '=' || words[index - 1] === '='
    if (joins && before?.startsWith('--') === true) whole[whole.length - 1] = before + word
    else whole.push(word)
  }
  return whole
}
