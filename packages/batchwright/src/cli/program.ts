/** Declares the program and every command. What a command does is in `commands/`, loaded when it is called. */
import type { Command } from 'commander'
import { Help } from 'commander'
import { declareBeginning } from './declare/beginning.ts'
import { declareCompletion } from './declare/completion.ts'
import { declareControl } from './declare/control.ts'
import { declareDatasets } from './declare/datasets.ts'
import { declareDeadLetters } from './declare/dead-letters.ts'
import { declareDeveloping } from './declare/developing.ts'
import { declareDebugging } from './declare/debugging.ts'
import { declareFleet } from './declare/fleet.ts'
import { declarePools } from './declare/pools.ts'
import { declareExplain } from './declare/explain.ts'
import { declareLooking } from './declare/looking.ts'
import type { Outcome } from './declare/options.ts'
import { shared } from './declare/options.ts'
import { declareServices } from './declare/services.ts'
import { declareRunning } from './declare/running.ts'
import type { ExitCode } from './failure.ts'
import { EXIT } from './failure.ts'
import type { Session } from './session.ts'
import { wrap } from './render/text.ts'
import { packageVersion } from './version.ts'

export function declareCommands(program: Command, session: Session, done: (code: ExitCode) => void): void {
  program
    .description('Runs restartable, partitioned, checked batch jobs.')
    .version(packageVersion(), '-V, --version', "Batchwright's version")
    .showSuggestionAfterError()
    .addHelpText('after', '\nExit codes: 0 succeeded, 1 failed, 2 usage, 130 interrupted.')
  program.configureHelp({ showGlobalOptions: false, formatItem: helpItem })
  shared(program)

  const run = async (command: Command, action: () => Outcome): Promise<void> => {
    const options: { project?: string } = command.optsWithGlobals()
    session.chooseProject(options.project)
    done((await action()) ?? EXIT.succeeded)
  }
  declareBeginning(program, session, run)
  declareDeveloping(program, session, run)
  declareRunning(program, session, run)
  declareFleet(program, session, run)
  declarePools(program, session, run)
  declareLooking(program, session, run)
  declareControl(program, session, run)
  declareDeadLetters(program, session, run)
  declareServices(program, session, run)
  declareDatasets(program, session, run)
  declareExplain(program, session, run)
  declareDebugging(program, session, run)
  declareCompletion(program, session, run)
}

/** Columns below which a description beside its term cannot be read. */
const NARROWEST = 24

/** An option or a command and what it is for; on narrow terminals under each other. */
function helpItem(term: string, termWidth: number, description: string, help: Help): string {
  const columns = help.helpWidth ?? 80
  if (columns - termWidth - 4 >= NARROWEST || description === '') {
    return Help.prototype.formatItem.call(help, term, termWidth, description, help)
  }
  const lines = wrap(description, columns - 6).map((line) => `      ${line}`)
  return [`  ${term}`, ...lines].join('\n')
}
