import path from 'node:path'
import ts from 'typescript'

/** What an entry of the package exports: values by name, and types by name. */
export interface Entry {
  readonly values: readonly string[]
  readonly types: readonly string[]
}

export interface Surface {
  /** By the name of the declaration file, without `.d.ts`. */
  readonly entries: Readonly<Record<string, Entry>>
  /** Declarations that an exported one is made of, and that nobody can import: `Name (used by Other)`. */
  readonly unimportable: readonly string[]
}

/**
 * Reads declaration files as a user's compiler does. Symbols that only brand a type are left out: nobody needs to name them.
 */
export function surfaceOf(folder: string, entries: readonly string[]): Surface {
  const files = entries.map((entry) => path.join(folder, `${entry}.d.ts`))
  const program = ts.createProgram(files, {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ESNext,
    noEmit: true,
    types: [],
  })
  const checker = program.getTypeChecker()
  const resolved = (symbol: ts.Symbol): ts.Symbol =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
  const exported = new Map(
    files.map((file, index) => {
      const source = program.getSourceFile(file)
      const module = source === undefined ? undefined : checker.getSymbolAtLocation(source)
      if (module === undefined) throw new Error(`${file} is no module`)
      return [entries[index] ?? '', checker.getExportsOfModule(module)] as const
    }),
  )
  const importable = new Set([...exported.values()].flat().map(resolved))
  const unimportable = new Map<ts.Symbol, string>()
  const seen = new Set<ts.Symbol>()
  const look = (symbol: ts.Symbol): void => {
    if (seen.has(symbol)) return
    seen.add(symbol)
    for (const declaration of symbol.declarations ?? []) {
      for (const { used, isBase } of namesIn(declaration, checker, resolved)) {
        if (!isOurs(used, folder) || isBrand(used)) continue
        if (!isBase && !importable.has(used) && mustBeNamed(used)) unimportable.set(used, symbol.name)
        look(used)
      }
    }
  }
  for (const symbol of importable) look(symbol)
  return {
    entries: Object.fromEntries([...exported].map(([name, symbols]) => [name, entryOf(symbols.map(asNamed))])),
    unimportable: [...unimportable].map(([symbol, user]) => `${symbol.name} (used by ${user})`).sort(),
  }

  function asNamed(symbol: ts.Symbol): { readonly name: string; readonly isValue: boolean } {
    return { name: symbol.name, isValue: (resolved(symbol).flags & ts.SymbolFlags.Value) !== 0 }
  }
}

function entryOf(symbols: readonly { readonly name: string; readonly isValue: boolean }[]): Entry {
  const names = (value: boolean): string[] =>
    symbols
      .filter(({ isValue }) => isValue === value)
      .map(({ name }) => name)
      .sort()
  return { values: names(true), types: names(false) }
}

/** The compiler writes what an alias stands for where it cannot name it. An interface or a class it has to name. */
function mustBeNamed(symbol: ts.Symbol): boolean {
  if ((symbol.flags & (ts.SymbolFlags.Interface | ts.SymbolFlags.Class | ts.SymbolFlags.Enum)) === 0) return false
  return !EVALUATED.has(symbol.name)
}

/** Interfaces that are only looked into: `Locations['files']`. */
const EVALUATED = new Set(['Locations'])

/** A name in a declaration. What an interface extends (`isBase`) is part of it, and need not be named. */
interface Named {
  readonly used: ts.Symbol
  readonly isBase: boolean
}

/** Whatever a declaration names at its top level and inside: types, and values by `typeof`. */
function namesIn(
  declaration: ts.Declaration,
  checker: ts.TypeChecker,
  resolved: (symbol: ts.Symbol) => ts.Symbol,
): readonly Named[] {
  const found: Named[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && node.parent !== declaration) {
      const isBase = ts.isExpressionWithTypeArguments(node.parent)
      const symbol = isBase || isReference(node) ? checker.getSymbolAtLocation(node) : undefined
      if (symbol !== undefined) found.push({ used: resolved(symbol), isBase })
    }
    ts.forEachChild(node, visit)
  }
  visit(declaration)
  return found
}

function isReference({ parent }: ts.Identifier): boolean {
  return ts.isTypeReferenceNode(parent) || ts.isTypeQueryNode(parent) || ts.isTypePredicateNode(parent)
}

/** Declared at the top of one of the package's declaration files. */
function isOurs(symbol: ts.Symbol, folder: string): boolean {
  return (symbol.declarations ?? []).some(
    (declaration) =>
      declaration.getSourceFile().fileName.startsWith(folder) &&
      !ts.isTypeParameterDeclaration(declaration) &&
      !ts.isParameter(declaration),
  )
}

function isBrand(symbol: ts.Symbol): boolean {
  return (symbol.declarations ?? []).every((declaration) => ts.isVariableDeclaration(declaration))
}
