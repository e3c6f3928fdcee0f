import type { PackageManager } from './package-manager.ts'
import type { Placing } from './placing.ts'
import type { Template } from './templates.ts'

/** What `init` did. */
export interface Initialised {
  /** Absolute. */
  readonly folder: string
  /** As `cd` needs it; null where it is the folder that the command was typed in. */
  readonly enter: string | null
  readonly template: Template
  readonly manager: PackageManager
  readonly placing: Placing
  /** Whether `batchwright` can be run in the folder as it is. */
  readonly installed: boolean
}

/** Commands to type next, each with what it shows. */
export function nextCommands(done: Initialised): readonly (readonly [command: string, shows: string])[] {
  const { enter, installed, manager, template } = done
  const install = [
    manager.install,
    installed ? 'TypeScript, so that types are checked too' : 'Batchwright and TypeScript',
  ] as const
  const run = [manager.command(template.start), 'run the job'] as const
  return [
    ...(enter === null ? [] : [[`cd ${enter}`, ''] as const]),
    ...(installed ? [] : [install]),
    run,
    ...template.next.map(([command, shows]) => [manager.command(command), shows] as const),
    [manager.command('dev'), 'change the job, and see at once what becomes of it'],
    [manager.script('test'), 'test it: the job is killed at every commit'],
    ...(installed ? [install] : []),
    [manager.script('check'), 'check its types, contracts, settings, and a dry run'],
  ]
}
