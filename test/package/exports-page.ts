/** docs/reference/exports.md: everything that the package exports, by what it is about, with the first sentence of its docstring. */
import path from 'node:path'
import ts from 'typescript'

const SOURCE = path.join(import.meta.dirname, '../../packages/batchwright/src')

interface Entry {
  readonly name: string
  /** As users import it. */
  readonly module: string
  readonly file: string
  readonly about: string
  readonly groups: readonly (readonly [title: string, files: RegExp])[]
}

const TYPES_BELOW = 'Types that these are made of'

const ENTRIES: readonly Entry[] = [
  {
    name: 'What job files are written with',
    module: 'batchwright',
    file: 'index.ts',
    about: 'Definitions only: importing it starts nothing, reads nothing and writes nothing.',
    groups: [
      ['Jobs and parameters', /^job\/(job|parameters)\.ts$/],
      ['Windows', /^(job|protocol)\/window\.ts$/],
      ['Fields, records, contracts', /^job\/(field|record|contracts)\.ts$/],
      ['Exact decimals', /^kernel\/decimal\.ts$/],
      ['Datasets, formats, checks', /^job\/(dataset|formats|checks|lookup)\.ts$/],
      ['What functions return', /^job\/(outcome|outputs|files?)\.ts$/],
      ['Services', /^job\/service\.ts$/],
      ['Policies and units', /^(job\/policies|kernel\/units)\.ts$/],
      ['Errors', /^kernel\/errors\.ts$/],
      ["The stages of a step's chain", /^job\/step-types\.ts$/],
      ['A job as plain data', /^job\/model\.ts$/],
      ['Others', /./],
    ],
  },
  {
    name: 'What tests are written with',
    module: 'batchwright/testing',
    file: 'testing/index.ts',
    about: 'For any test runner. It starts nothing by itself either.',
    groups: [
      ['Functions, and what they take and give', /^(testing\/|kernel\/random)/],
      [TYPES_BELOW, /./],
    ],
  },
]

interface Exported {
  readonly name: string
  /** From the source's folder. */
  readonly file: string
  readonly kind: 'function' | 'class' | 'object' | 'type'
  readonly says: string
}

/** The page, as Markdown. Reads the source; the package test holds that the built package exports the same. */
export function exportsPage(): string {
  const files = ENTRIES.map((entry) => path.join(SOURCE, entry.file))
  const program = ts.createProgram(files, {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ESNext,
    allowImportingTsExtensions: true,
    noEmit: true,
    types: [],
  })
  const checker = program.getTypeChecker()
  const sections = ENTRIES.map((entry, index) => {
    const source = program.getSourceFile(files[index] ?? '')
    const module = source === undefined ? undefined : checker.getSymbolAtLocation(source)
    if (module === undefined) throw new Error(`${entry.file} is no module`)
    return section(
      entry,
      checker.getExportsOfModule(module).map((symbol) => exported(symbol, checker)),
    )
  })
  return [HEAD, ...sections].join('\n\n')
}

const HEAD = `# What the package exports

<!-- Written by \`npx vitest run test/package/exports.test.ts -u\`. -->

\`\`\`text
batchwright                 the command
batchwright                 import { job, dataset, ... } from 'batchwright'
batchwright/testing         import { runInMemory, ... } from 'batchwright/testing'
batchwright/package.json    for tools
\`\`\`

Nothing else can be imported: what lies in \`dist/\` is ours to change. Types resolve under \`moduleResolution\` \`node16\`,
\`nodenext\` and \`bundler\`. Every type that a public one is made of is exported, so that declarations of your own code can name
it.`

function section(entry: Entry, all: readonly Exported[]): string {
  const left = new Set(all)
  const groups = entry.groups.flatMap(([title, files]) => {
    const inside = [...left].filter((each) => files.test(each.file)).sort(byKindAndName)
    for (const each of inside) left.delete(each)
    return inside.length === 0 ? [] : [`### ${title}\n\n${table(inside)}`]
  })
  return [`## ${entry.name}: \`${entry.module}\``, entry.about, ...groups].join('\n\n')
}

/** What one calls comes first. */
function byKindAndName(left: Exported, right: Exported): number {
  const [first, second] = [left, right].map(({ kind, name }) => `${kind === 'type' ? 1 : 0} ${name.toLowerCase()}`)
  return (first ?? '') < (second ?? '') ? -1 : 1
}

function table(rows: readonly Exported[]): string {
  const cells = rows.map(({ name, kind, says }) => `| \`${name}\` | ${kind} | ${says.replaceAll('|', '\\|')} |`)
  return ['| export | is a | |', '|---|---|---|', ...cells].join('\n')
}

function exported(symbol: ts.Symbol, checker: ts.TypeChecker): Exported {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
  const file = target.declarations?.[0]?.getSourceFile().fileName ?? ''
  return {
    name: symbol.name,
    file: path.relative(SOURCE, file).replaceAll(path.sep, '/'),
    kind: kindOf(symbol, target),
    says: firstSentence(ts.displayPartsToString(target.getDocumentationComment(checker))),
  }
}

function kindOf(symbol: ts.Symbol, target: ts.Symbol): Exported['kind'] {
  const typeOnly = symbol.declarations?.some((each) => ts.isTypeOnlyImportOrExportDeclaration(each)) === true
  if (typeOnly || (target.flags & ts.SymbolFlags.Value) === 0) return 'type'
  if (target.flags & ts.SymbolFlags.Class) return 'class'
  return target.flags & ts.SymbolFlags.Function ? 'function' : 'object'
}

function firstSentence(text: string): string {
  const [sentence = ''] = text
    .replaceAll(/\s+/g, ' ')
    .trim()
    .split(/(?<=[.:;]) (?=[A-Z`])/)
  return sentence.replace(/[.:;]$/, '')
}
