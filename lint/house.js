/**
 * The house's rooms, from the roof down, and a rule that lets imports point down only. A room is entered by its door
 * (`index.ts`); the shapes that rooms meet in (`model.ts`, `contract.ts`) are open too, for types.
 */
import path from 'node:path'

/** From the top: a room may import those below it. */
export const ROOMS = [
  'cli',
  'server',
  'scheduling',
  'testing',
  'dry-run',
  'engine',
  'executors',
  'runtime',
  'trust',
  'data',
  'observe',
  'store',
  'job',
  'protocol',
  'kernel',
]

/** Below it in the list, and still closed to it: the two planes meet in messages, not in each other's code. */
const CLOSED = {
  engine: ['runtime', 'trust', 'data'],
  executors: ['store', 'trust', 'data'],
  runtime: ['store'],
  trust: ['store'],
  data: ['store'],
  observe: ['store'],
}

/** Open beside the door, for their types. `kernel` and `protocol` are small: every file of them is open. */
const OPEN_FILES = new Set(['index.ts', 'model.ts', 'contract.ts'])
const OPEN_ROOMS = new Set(['kernel', 'protocol'])

const SOURCE = `${path.sep}packages${path.sep}batchwright${path.sep}src${path.sep}`

/** `[room, file inside it]` of a path, or null outside the house. A file beside the rooms (src/index.ts) is of no room. */
function roomOf(file) {
  const start = file.indexOf(SOURCE)
  if (start === -1) return null
  const [room, ...rest] = file.slice(start + SOURCE.length).split(path.sep)
  return rest.length === 0 ? null : [room, rest.join('/')]
}

/** Why `from` may not import `to`, or null where it may. */
export function importProblem(from, to, { isTest }) {
  const here = roomOf(from)
  const there = roomOf(to)
  if (here === null || there === null || here[0] === there[0]) return null
  const [room, target] = [here[0], there[0]]
  for (const name of [room, target]) {
    if (!ROOMS.includes(name)) return `"${name}" is not a room of the house: add it to lint/house.js at its height`
  }
  if (isTest) return null
  if (ROOMS.indexOf(room) > ROOMS.indexOf(target)) return `${room}/ lies below ${target}/: imports point down only`
  if ((CLOSED[room] ?? []).includes(target)) return `${room}/ may not import ${target}/: they meet in protocol/`
  if (!OPEN_ROOMS.has(target) && !OPEN_FILES.has(there[1])) return `enter ${target}/ by its door, ${target}/index.ts`
  return null
}

const importDirection = {
  meta: { type: 'problem', schema: [], docs: { description: 'imports between rooms point down, through the doors' } },
  create(context) {
    const from = context.filename
    const isTest = /\.test\.ts$/.test(from) || /[\\/](conformance|fixtures)[\\/]/.test(from)
    const look = (node) => {
      const specifier = node.source?.value
      if (typeof specifier !== 'string' || !specifier.startsWith('.')) return
      const problem = importProblem(from, path.resolve(path.dirname(from), specifier), { isTest })
      if (problem !== null) context.report({ node: node.source, message: problem })
    }
    return { ImportDeclaration: look, ImportExpression: look, ExportAllDeclaration: look, ExportNamedDeclaration: look }
  },
}

/** Everything that waits or draws lots goes through the kernel, so that a virtual clock and a seed can stand in. */
export const THROUGH_KERNEL = [
  {
    selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
    message: 'use the kernel Clock',
  },
  {
    selector: "CallExpression[callee.object.name='performance'][callee.property.name='now']",
    message: 'use the kernel Clock',
  },
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'use the kernel Clock' },
  {
    selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']",
    message: 'use the kernel Random',
  },
  { selector: 'CallExpression[callee.name=/^(setTimeout|setInterval)$/]', message: 'use the kernel Clock' },
]

export default { rules: { 'import-direction': importDirection } }
