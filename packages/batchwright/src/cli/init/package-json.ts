/** The package.json of a project: made, or completed by what is missing. Pure. */

export interface PackageWishes {
  /** For a package.json that is new: the folder's name. */
  readonly folderName: string
  /** The version of batchwright that is running. */
  readonly version: string
  /** Scripts by name. */
  readonly scripts: Readonly<Record<string, string>>
}

export interface CompletedPackage {
  readonly text: string
  /** What was added or changed, in words; empty where nothing was. */
  readonly changes: readonly string[]
  /** Scripts of ours whose names were taken: by name, what they would have been. */
  readonly kept: Readonly<Record<string, string>>
}

/** What the templates are type-checked with. */
const DEVELOPMENT: Readonly<Record<string, string>> = { '@types/node': '^24.0.0', typescript: '^6.0.0' }
const NODE = '>=24'

/** What `npm init` writes as the test script. */
const NO_TESTS = /no test specified/

type Members = Record<string, unknown>

/** `existing` null: a new one. Throws SyntaxError where it is no JSON, TypeError where it is no object. */
export function completePackage(existing: string | null, wishes: PackageWishes): CompletedPackage {
  const content: Members =
    existing === null ? { name: packageName(wishes.folderName), private: true } : parseObject(existing)
  const changes: string[] = []
  if (content['type'] !== 'module') {
    content['type'] = 'module'
    changes.push('"type": "module"')
  }
  const { kept, added: scripts } = addScripts(content, wishes.scripts)
  if (scripts.length > 0) changes.push(`scripts ${scripts.join(', ')}`)
  if (!hasDependency(content, 'batchwright')) {
    changes.push(...addMembers(content, 'dependencies', { batchwright: `^${wishes.version}` }))
  }
  const missing = Object.entries(DEVELOPMENT).filter(([name]) => !hasDependency(content, name))
  changes.push(...addMembers(content, 'devDependencies', Object.fromEntries(missing)))
  if (content['engines'] === undefined) {
    content['engines'] = { node: NODE }
    changes.push(`engines node ${NODE}`)
  }
  const indent = existing === null ? '  ' : (/^[ \t]+/m.exec(existing)?.[0] ?? '  ')
  return { text: `${JSON.stringify(content, null, indent)}\n`, changes, kept }
}

/** Whether a package.json says that its files are CommonJS: `npm init` does, unasked. */
export function isCommonJs(existing: string): boolean {
  return parseObject(existing)['type'] === 'commonjs'
}

function parseObject(text: string): Members {
  const value: unknown = JSON.parse(text)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw new TypeError('expected an object')
}

function addScripts(
  content: Members,
  wanted: Readonly<Record<string, string>>,
): { readonly added: readonly string[]; readonly kept: Readonly<Record<string, string>> } {
  const scripts = membersOf(content['scripts'])
  const [added, kept]: [string[], Record<string, string>] = [[], {}]
  for (const [name, command] of Object.entries(wanted)) {
    const there = scripts[name]
    if (there === command) continue
    if (there === undefined || (typeof there === 'string' && NO_TESTS.test(there))) {
      scripts[name] = command
      added.push(name)
    } else {
      kept[name] = command
    }
  }
  content['scripts'] = scripts
  return { added, kept }
}

function addMembers(
  content: Members,
  group: 'dependencies' | 'devDependencies',
  members: Readonly<Record<string, string>>,
): readonly string[] {
  const names = Object.keys(members)
  if (names.length === 0) return []
  content[group] = sorted({ ...membersOf(content[group]), ...members })
  return [`${group} ${names.join(', ')}`]
}

function hasDependency(content: Members, name: string): boolean {
  return ['dependencies', 'devDependencies', 'optionalDependencies'].some((group) => name in membersOf(content[group]))
}

function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function sorted(members: Members): Members {
  return Object.fromEntries(Object.entries(members).sort(([left], [right]) => (left < right ? -1 : 1)))
}

/** A name that npm takes: lower case, of letters, digits, `-`, `_` and `.`, none of the latter first. */
function packageName(folderName: string): string {
  const name = folderName
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '')
    .replace(/-+$/, '')
  return name === '' ? 'jobs' : name
}
