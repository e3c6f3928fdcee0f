/** Declares the program and every command. What a command does is in `commands/`, loaded when it is called. */
import { existsSync, readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { declareControl } from './declare/control.ts'
import { declareDatasets } from './declare/datasets.ts'
import { declareDeadLetters } from './declare/dead-letters.ts'
import { declareExplain } from './declare/explain.ts'
import { declareLooking } from './declare/looking.ts'
import type { Outcome } from './declare/options.ts'
import { shared } from './declare/options.ts'
import { declareRunning } from './declare/running.ts'
import type { ExitCode } from './failure.ts'
import { EXIT } from './failure.ts'
import type { Session } from './session.ts'

export function declareCommands(program: Command, session: Session, done: (code: ExitCode) => void): void {
  program
    .description('Runs restartable, partitioned, checked batch jobs.')
    .version(packageVersion(), '-V, --version', "Batchwright's version")
    .showSuggestionAfterError()
    .addHelpText('after', '\nExit codes: 0 succeeded, 1 failed, 2 usage, 130 interrupted.')
  program.configureHelp({ showGlobalOptions: false })
  shared(program)

  const run = async (command: Command, action: () => Outcome): Promise<void> => {
    const options: { project?: string } = command.optsWithGlobals()
    session.chooseProject(options.project)
    done((await action()) ?? EXIT.succeeded)
  }
  declareRunning(program, session, run)
  declareLooking(program, session, run)
  declareControl(program, session, run)
  declareDeadLetters(program, session, run)
  declareDatasets(program, session, run)
  declareExplain(program, session, run)
}

/** From the package's own package.json, which lies at another height from the source than from dist/. */
function packageVersion(): string {
  const [file] = ['../package.json', '../../package.json']
    .map((place) => new URL(place, import.meta.url))
    .filter((place) => existsSync(place))
  if (file === undefined) return 'unknown'
  const text: unknown = JSON.parse(readFileSync(file, 'utf8'))
  return typeof text === 'object' && text !== null && 'version' in text ? String(text.version) : 'unknown'
}
