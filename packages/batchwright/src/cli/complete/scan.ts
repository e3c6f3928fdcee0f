/**
 * Names that job files define, read from their text: bundling and loading every job takes seconds in a large project, and
 * somebody waits at the Tab key. What a file computes is not found so; what has run is known to the store by its name.
 */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Project } from '../project.ts'

export interface ScannedJob {
  readonly name: string
  /** Relative to the project's folder. */
  readonly file: string
  /** `daily`, `monthly`, as its options call it; null where none is found. */
  readonly window: string | null
  readonly steps: readonly string[]
}

export interface Scan {
  readonly jobs: readonly ScannedJob[]
  readonly datasets: readonly string[]
}

const NAME = /(['"`])([^'"`$\n]+)\1/.source
const JOB = new RegExp(`\\bjob\\(\\s*${NAME}`)
const DATASET = new RegExp(`\\bdataset\\(\\s*${NAME}`, 'g')
const STEP = new RegExp(`\\.(?:records|reduce|sql|function)\\(\\s*${NAME}`, 'g')
const WINDOW = /\bwindow:\s*(hourly|daily|weekly|monthly)\(/
const IMPORT = /\bfrom\s+(['"])(\.[^'"\n]+)\1/g
/** Files of the user's that are followed from one job file. */
const MOST_FILES = 200

/** Looks into the job files, and the files that they import by a relative path. */
export function scanProject(project: Project): Scan {
  const datasets = new Set<string>()
  const jobs = project.jobFiles.flatMap((file) => {
    const texts = textsFrom(file)
    for (const text of texts) for (const [, , name] of text.matchAll(DATASET)) datasets.add(name ?? '')
    const [text = ''] = texts
    const [, , name] = JOB.exec(text) ?? []
    if (name === undefined) return []
    // The window of a dataset above is another: the job's own stands behind its name.
    const [, window = null] = WINDOW.exec(text.slice(text.search(JOB))) ?? []
    const steps = [...new Set(texts.flatMap((each) => [...each.matchAll(STEP)].map(([, , step = '']) => step)))]
    return [{ name, file: path.relative(project.folder, file), window, steps }]
  })
  return { jobs, datasets: [...datasets].sort() }
}

/** The text of a file, and of those that it imports, itself first. */
function textsFrom(file: string): readonly string[] {
  const seen = new Set([file])
  const texts: string[] = []
  for (const each of seen) {
    const text = readFileSync(each, 'utf8')
    texts.push(text)
    for (const [, , place = ''] of text.matchAll(IMPORT)) {
      const target = path.resolve(path.dirname(each), place)
      if (seen.size < MOST_FILES && /\.[cm]?[jt]s$/.test(target) && existsSync(target)) seen.add(target)
    }
  }
  return texts
}
