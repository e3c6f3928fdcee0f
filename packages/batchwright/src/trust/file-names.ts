import { foldedName, readFileIndex } from '../data/index.ts'
import { datasetsWritten, type StepDefinition } from '../job/index.ts'
import type { StepOutput } from '../protocol/index.ts'
import { SAMPLES, type Finding } from './finding.ts'

/**
 * Whether the files of each dataset of files can lie beside each other on every file system: no name twice in all partitions,
 * none that differs from another by case alone, none that is a folder of another's. The same on every run, whichever
 * partition came first.
 */
export async function checkFileNames(step: StepDefinition, output: StepOutput): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const tasks = [...output.tasks].sort((a, b) => a.index - b.index)
  for (const { dataset, kind, key } of datasetsWritten(step)) {
    if (kind !== 'files') continue
    const names = new NameSpace()
    for (const task of tasks) {
      for (const index of task.output.outputs[key] ?? [])
        for await (const file of readFileIndex(index)) names.add(file.name)
    }
    findings.push(names.finding(dataset.name))
  }
  return findings
}

class NameSpace {
  /** Files by folded name, as they were given. */
  readonly #files = new Map<string, string>()
  /** Folders by folded name, with a file in each. */
  readonly #folders = new Map<string, string>()
  readonly #clashes: string[] = []
  #count = 0

  add(name: string): void {
    this.#count += 1
    const folded = foldedName(name)
    const other = this.#files.get(folded) ?? this.#folders.get(folded)
    if (other !== undefined) this.#clashes.push(clash(name, other))
    this.#files.set(folded, name)
    for (let at = folded.indexOf('/'); at !== -1; at = folded.indexOf('/', at + 1)) {
      const folder = folded.slice(0, at)
      const file = this.#files.get(folder)
      if (file !== undefined) this.#clashes.push(clash(name, file))
      this.#folders.set(folder, name)
    }
  }

  finding(dataset: string): Finding {
    const passed = this.#clashes.length === 0
    return {
      kind: 'files',
      name: `names in ${dataset}`,
      severity: 'block',
      passed,
      expected: 'each file under a name of its own',
      found: passed ? `${this.#count} names` : `${this.#clashes.length} that clash: ${this.#clashes[0] ?? ''}`,
      hint: passed
        ? null
        : 'nothing was published: put what tells records apart (an id) into the names of their files, then `batchwright rerun JOB`',
      samples: this.#clashes.slice(0, SAMPLES),
    }
  }
}

function clash(name: string, other: string): string {
  return name === other ? `${JSON.stringify(name)} twice` : `${JSON.stringify(name)} and ${JSON.stringify(other)}`
}
