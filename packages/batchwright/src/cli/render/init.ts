/** What `init` made, as text. */
import path from 'node:path'
import type { Initialised } from '../init/initialised.ts'
import { nextCommands } from '../init/initialised.ts'
import type { NewFile } from '../init/templates.ts'
import type { TableStyle } from './table.ts'
import { rowsInColumns } from './table.ts'
import { count, plural, wrap } from './text.ts'

/** Files of one folder beyond this many are one line. */
const MOST_NAMED = 4

export function initLines(done: Initialised, style: TableStyle): readonly string[] {
  const { placing, template, folder } = done
  const { paint } = style
  const made = [
    ...placing.made,
    ...placing.completed
      .filter(({ before }) => before === null)
      .map(({ path: file, text }) => ({
        path: file,
        content: Buffer.from(text),
        sample: false,
      })),
  ]
  const head =
    made.length === 0
      ? `${folder} has all of the template ${template.name} already`
      : `${paint('wrote', 'good')} ${plural(made.length, 'file')} into ${folder} (template ${template.name})`
  const files = fileRows(made).map((row) => [row[0], { text: row[1], tone: 'dim' as const }])
  return [
    head,
    ...(files.length === 0 ? [] : ['', ...rowsInColumns([{}, { dropOrder: 1 }], files, { ...style, indent: 2 })]),
    ...remarks(done, style),
    '',
    paint('next', 'strong'),
    ...rowsInColumns(
      [{}, { dropOrder: 1 }],
      nextCommands(done).map(([command, shows]) => [command, { text: shows, tone: 'dim' as const }]),
      { ...style, indent: 2 },
    ),
  ]
}

type Made = Pick<NewFile, 'path' | 'content' | 'sample'>

/** What the files are for, in the order in which somebody new would look at them. */
const ROLES: readonly (readonly [RegExp, (content: Uint8Array) => string])[] = [
  [/^jobs\//, (content) => `${definesJob(content) ? 'the job' : 'a part of it'}: ${count(linesIn(content))} lines`],
  [/^tests\//, () => 'its test'],
  [/^in\//, (content) => `its input: ${count(linesIn(content))} lines, dirty on purpose`],
  [/^scripts\/sample/, () => 'made the input, and makes more of it'],
  [/^scripts\//, () => 'what it makes them with'],
  [/^README/, () => 'the next steps'],
  [/^package\.json/, () => 'scripts start, test, check, sample'],
  [/^batchwright\.config/, () => 'settings of the project'],
  [/^tsconfig/, () => 'strict types'],
  [/^\.github\//, () => 'checks, tests and runs the job at each push'],
  [/./, () => ''],
]

/** One line for each file; many samples of one folder are one line. */
function fileRows(files: readonly Made[]): readonly (readonly [path: string, role: string])[] {
  const folders = Map.groupBy(files, (file) => path.posix.dirname(file.path))
  const rows = [...folders].flatMap(([folder, inside]) => {
    if (inside.length <= MOST_NAMED || !inside.every((file) => file.sample)) {
      return inside.map((file) => ({ path: file.path, ...roleOf(file) }))
    }
    return [{ path: `${folder}/`, order: roleOf({ path: 'in/', content: Buffer.of() }).order, role: samples(inside) }]
  })
  rows.sort((left, right) => left.order - right.order)
  return rows.map((row) => [row.path, row.role])
}

function roleOf({ path: file, content }: Pick<Made, 'path' | 'content'>): { order: number; role: string } {
  const order = ROLES.findIndex(([pattern]) => pattern.test(file))
  const beside = file.startsWith('jobs/') && !definesJob(content)
  return { order: beside ? order + 0.5 : order, role: ROLES[order]?.[1](content) ?? '' }
}

function samples(files: readonly Made[]): string {
  const text = files.every((file) => file.path.endsWith('.csv'))
  const lines = files.reduce((sum, file) => sum + linesIn(file.content), 0)
  return `its input: ${plural(files.length, 'file')}${text ? `, ${count(lines)} lines` : ''}, dirty on purpose`
}

/** A module beside the job exports what it is made of, and no job. */
function definesJob(content: Uint8Array): boolean {
  return Buffer.from(content).includes('export default job(')
}

function linesIn(content: Uint8Array): number {
  return content.reduce((lines, byte) => (byte === 0x0a ? lines + 1 : lines), 0)
}

/** What was found there, and what became of it. */
function remarks({ placing }: Initialised, style: TableStyle): readonly string[] {
  const sentences = [
    ...placing.completed
      .filter(({ before }) => before !== null)
      .map(({ path: file, changes }) => `changed ${file}: added ${changes.join('; ')}`),
    ...placing.kept.map((file) => `kept ${file} as it was; the template has one of its own`),
    ...Object.entries(placing.keptScripts).map(
      ([name, command]) => `kept the script ${name} of package.json; the template's is \`${command}\``,
    ),
    ...(placing.same.length === 0 ? [] : [`${plural(placing.same.length, 'file')} was there already, the same`]),
  ]
  const width = Math.max(20, style.width - 4)
  return sentences.flatMap((sentence, index) => [
    ...(index === 0 ? [''] : []),
    ...wrap(sentence, width).map((line, at) => `${at === 0 ? '  ' : '    '}${line}`),
  ])
}
