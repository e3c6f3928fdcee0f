/** `init`: writes a project that runs, tests and type-checks at once. Asks nothing. */
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import type { JsonValue } from '../../kernel/errors.ts'
import type { Initialised } from '../init/initialised.ts'
import { nextCommands } from '../init/initialised.ts'
import { packageManagerOf } from '../init/package-manager.ts'
import type { CompletedFile } from '../init/placing.ts'
import { place, planPlacing } from '../init/placing.ts'
import type { Template } from '../init/templates.ts'
import { filesOf, templateNamed } from '../init/templates.ts'
import { initLines } from '../render/init.ts'
import type { Session } from '../session.ts'
import { packageVersion } from '../version.ts'

export interface InitOptions {
  readonly template: string
  /** Taken as the folder where none is named. */
  readonly project?: string
}

/** `batchwright init [folder]`. Throws INIT_FILES_EXIST, INIT_PACKAGE_INVALID, INIT_COMMONJS; then nothing was written. */
export async function init(session: Session, given: string | undefined, options: InitOptions): Promise<void> {
  const { terminal, workingFolder } = session
  const folder = path.resolve(workingFolder, given ?? options.project ?? '.')
  const template = templateNamed(options.template)
  const manager = packageManagerOf(process.env['npm_config_user_agent'], existsSync(folder) ? readdirSync(folder) : [])
  const placing = planPlacing(folder, await filesOf(template, manager), {
    folderName: path.basename(folder),
    version: packageVersion(),
    scripts: scriptsFor(template),
  })
  await place(folder, placing)
  const enter = path.relative(workingFolder, folder)
  const done: Initialised = {
    folder,
    enter: enter === '' ? null : enter,
    template,
    manager,
    placing,
    installed: isInstalled(folder),
  }
  terminal.printJson(initJson(done))
  terminal.print(initLines(done, terminal))
}

function scriptsFor(template: Template): Readonly<Record<string, string>> {
  return {
    start: `batchwright ${template.start}`,
    test: 'node --test "tests/**/*.test.ts"',
    check: 'batchwright check',
    sample: 'node scripts/sample.ts',
  }
}

/** Whether a folder or one above it has `batchwright` in its node_modules. */
function isInstalled(folder: string): boolean {
  for (let above = folder; ; above = path.dirname(above)) {
    if (existsSync(path.join(above, 'node_modules', 'batchwright', 'package.json'))) return true
    if (path.dirname(above) === above) return false
  }
}

function initJson(done: Initialised): JsonValue {
  const { folder, template, placing } = done
  const isNew = ({ before }: CompletedFile): boolean => before === null
  return {
    folder,
    template: template.name,
    made: [...placing.made, ...placing.completed.filter(isNew)].map((file) => file.path).sort(),
    changed: placing.completed
      .filter((file) => !isNew(file))
      .map(({ path: file, changes }) => ({ file, changes: [...changes] })),
    same: [...placing.same],
    kept: [...placing.kept],
    keptScripts: { ...placing.keptScripts },
    next: nextCommands(done).map(([command]) => command),
  }
}
