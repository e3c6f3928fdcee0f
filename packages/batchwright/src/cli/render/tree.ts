/** Steps as a tree: each under the last step that it reads, which is the one it waits for longest. */
import { GLYPHS } from './glyphs.ts'

export interface TreeStep {
  readonly name: string
  /** Names of the steps it reads or comes after, in order of definition. */
  readonly after: readonly string[]
}

export interface TreeRow<Step extends TreeStep> {
  readonly step: Step
  /** The lines that lead to it, two columns for each level; empty for a step that reads no other. */
  readonly lead: string
  /** Other steps that it reads, beside the one that it stands under. */
  readonly also: readonly string[]
}

/** Rows from the top: a step, then those that read it. Lines take at most `widest` columns; what is deeper stands as deep as that. */
export function treeRows<Step extends TreeStep>(steps: readonly Step[], widest: number): readonly TreeRow<Step>[] {
  const there = new Set(steps.map((step) => step.name))
  const parentOf = (step: Step): string | null => step.after.findLast((name) => there.has(name)) ?? null
  const children = new Map<string | null, Step[]>()
  for (const step of steps) {
    const parent = parentOf(step)
    children.set(parent, [...(children.get(parent) ?? []), step])
  }
  const levels = Math.max(0, Math.floor(widest / 2))
  const rows: TreeRow<Step>[] = []
  const visit = (parent: string | null, trunk: readonly string[]): void => {
    const below = children.get(parent) ?? []
    for (const [index, step] of below.entries()) {
      const last = index === below.length - 1
      const own = parent === null ? [] : [...trunk, `${last ? GLYPHS.lastBranch : GLYPHS.branch} `]
      const also = step.after.filter((name) => name !== parent && there.has(name))
      rows.push({ step, lead: own.slice(Math.max(0, own.length - levels)).join(''), also })
      visit(step.name, parent === null ? [] : [...trunk, last ? '  ' : `${GLYPHS.trunk} `])
    }
  }
  visit(null, [])
  return rows
}
