/** Commands about records that were set aside. */
import type { Command } from 'commander'
import { Option } from 'commander'
import type * as DeadLetterCommands from '../commands/dead-letters.ts'
import type { DiscardOptions, ExportOptions, LetterOptions, ReplayOptions } from '../commands/dead-letters.ts'
import type { DebugOptions } from '../debug/scene.ts'
import type { RunChoice } from '../select.ts'
import type { Session } from '../session.ts'
import { debugging } from './debugging.ts'
import type { Runner } from './options.ts'
import { add, executing, LIMIT_HELP, positive } from './options.ts'

export function declareDeadLetters(program: Command, session: Session, run: Runner): void {
  const group = add(program, 'dead-letters', 'records that were set aside')
  const selecting = (command: Command): Command =>
    command
      .option('--window <window>', 'of the latest run of this window')
      .option('--step <step>', 'of this step')
      .option('--reason <reason>', 'with this reason: a rule, a contract reason, an error code')
      .addOption(new Option('--cause <cause>', 'with this cause').choices(['rule', 'contract', 'error']))
  const ofRun = (command: Command): Command => command.option('--run <run>', 'of this run (default: latest)')
  const load = (): Promise<typeof DeadLetterCommands> => import('../commands/dead-letters.ts')

  const list = selecting(
    add(group, 'list [run]', 'dead letters of a run, or of the latest run of a job (default: latest)'),
  )
    .option('--limit <n>', LIMIT_HELP, positive, 50)
    .option('--discarded', 'those that were discarded, too')
  list.action((which: string | undefined, options: LetterOptions & { readonly limit: number }) =>
    run(list, async () => (await load()).list(session, { ...options, run: which })),
  )
  const show = ofRun(add(group, 'show <id>', 'one dead letter, whole')).option(
    '--window <window>',
    'of the latest run of this window',
  )
  show.action((id: string, options: RunChoice) => run(show, async () => (await load()).show(session, id, options)))

  const debug = debugging(
    ofRun(add(group, 'debug <id>', 'work through one dead letter again with its sinks off')).option(
      '--window <window>',
      'of the latest run of this window',
    ),
  )
  debug.action((id: string, options: DebugOptions & RunChoice) =>
    run(debug, async () => (await import('../commands/debug.ts')).debugLetter(session, id, options)),
  )
  const discard = ofRun(
    selecting(add(group, 'discard [ids...]', 'mark dead letters as dealt with: they leave the list')),
  ).option('--why <why>', 'kept with them', 'asked on the command line')
  discard.action((ids: readonly string[], options: DiscardOptions) =>
    run(discard, async () => (await load()).discard(session, ids, options)),
  )
  const replay = executing(
    ofRun(selecting(add(group, 'replay [ids...]', 'work through dead letters once more, in a new revision'))),
  ).option('--file <file>', 'an edited export (JSON Lines) to replay instead')
  replay.action((ids: readonly string[], options: ReplayOptions) =>
    run(replay, async () => (await load()).replay(session, ids, options)),
  )
  const exported = selecting(add(group, 'export [run]', 'dead letters as JSON Lines or CSV (default: latest)'))
    .addOption(new Option('--format <format>', 'how they are written').choices(['jsonl', 'csv']).default('jsonl'))
    .option('--output <file>', 'write to this file instead of stdout')
    .option('--discarded', 'those that were discarded, too')
  exported.action((which: string | undefined, options: ExportOptions) =>
    run(exported, async () => (await load()).exportLetters(session, { ...options, run: which })),
  )
}
