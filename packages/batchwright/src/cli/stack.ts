/** A stack as Node printed it, read as frames: the user's own, and those of others, which are folded. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export interface StackFrame {
  /** Null for code outside every function. */
  readonly name: string | null
  /** Absolute path, or `node:fs`. */
  readonly file: string
  readonly line: number
  readonly column: number
}

/** Frames, the innermost first. Lines that name no place are passed over. */
export function readStack(stack: string): readonly StackFrame[] {
  return stack.split('\n').flatMap((text) => {
    const [, inside] = /^\s+at (.+)$/.exec(text) ?? []
    if (inside === undefined) return []
    const [, name = null, place = inside] = /^(?:async )?(.+?) \((.+)\)$/.exec(inside) ?? []
    const [, file, line, column] = /^(?:async )?(.+):(\d+):(\d+)$/.exec(place) ?? []
    if (file === undefined) return []
    return [{ name: plainName(name), file: pathOf(file), line: Number(line), column: Number(column) }]
  })
}

/** Whether a frame lies in the project, outside what was installed and built. */
export function isOwn({ file }: StackFrame, projectFolder: string): boolean {
  const inside = path.relative(projectFolder, file)
  if (!path.isAbsolute(file) || inside.startsWith('..') || path.isAbsolute(inside)) return false
  return !/(^|[\\/])(node_modules|\.batchwright)[\\/]/.test(inside)
}

/** The package that a frame outside the project's own code belongs to: `node`, `lodash`, or null for Batchwright and unknown. */
export function packageOf({ file }: StackFrame): string | null {
  if (file.startsWith('node:')) return 'node'
  const [, name] = /^.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(file) ?? []
  return name === undefined || name === 'batchwright' ? null : name
}

function pathOf(file: string): string {
  if (!file.startsWith('file:')) return file
  try {
    return fileURLToPath(file)
  } catch (error) {
    // A stack is text: what looks like a URL there need not be one.
    if (error instanceof TypeError) return file
    throw error
  }
}

/** Names that say nothing: `<anonymous>`, `Object.<anonymous>`, `Array.map` keep to themselves what they can. */
function plainName(name: string | null): string | null {
  if (name === null || /(^|\.)<anonymous>$/.test(name)) return null
  return name.replace(/^Object\./, '').replace(/ \[as .+\]$/, '')
}
