/**
 * A skewed input against a balanced one of the same records: one of five files, and so one of five partitions, holds 80 % of
 * them, and it comes last. Two slots. With rebalancing its rest is cut while it runs; without it one slot works alone. All
 * three must write the same records in the same order, which is checked. Every figure is of a whole process, on the built
 * package; medians over repeats that take turns.
 */
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import { measure, median } from '../measure.ts'

export interface SkewFigures {
  readonly records: number
  readonly repeats: number
  readonly balancedSeconds: number
  /** 80 % in one partition, cut while it runs. */
  readonly skewedSeconds: number
  /** The same, never cut. */
  readonly uncutSeconds: number
  /** At most 1.2 wanted. */
  readonly skewedOverBalanced: number
  readonly uncutOverBalanced: number
  /** How often a partition was cut, by repeat. */
  readonly cuts: readonly number[]
  readonly machine: { readonly node: string; readonly cpu: string; readonly cores: number }
}

const HERE = import.meta.dirname
const CLI = path.join(HERE, '../../packages/batchwright/dist/cli.js')
/** Shares of the records by file, in the order they are taken. */
const SKEWED = [0.05, 0.05, 0.05, 0.05, 0.8]
const BALANCED = [0.2, 0.2, 0.2, 0.2, 0.1, 0.1]

export async function skewBenchmark(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      records: { type: 'string', default: '80000' },
      repeats: { type: 'string', default: '3' },
      folder: { type: 'string', default: path.join(tmpdir(), 'batchwright-bench-skew') },
      json: { type: 'boolean', default: false },
    },
  })
  const figures = await measureSkew(Number(values.records), Number(values.repeats), values.folder)
  if (values.json) console.log(JSON.stringify(figures))
  else for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(20)} ${JSON.stringify(value)}`)
}

async function measureSkew(records: number, repeats: number, folder: string): Promise<SkewFigures> {
  const times = { balanced: [] as number[], skewed: [] as number[], uncut: [] as number[] }
  const cuts: number[] = []
  const digests = new Set<string>()
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    const balanced = await runJob(folder, 'skew-never', records, BALANCED)
    const skewed = await runJob(folder, 'skew', records, SKEWED)
    const uncut = await runJob(folder, 'skew-never', records, SKEWED)
    times.balanced.push(balanced.seconds)
    times.skewed.push(skewed.seconds)
    times.uncut.push(uncut.seconds)
    cuts.push(skewed.cuts)
    for (const { sha256 } of [balanced, skewed, uncut]) digests.add(sha256)
    if (digests.size > 1) throw new Error('the runs wrote different records, or in another order')
  }
  const [balanced, skewed, uncut] = [median(times.balanced), median(times.skewed), median(times.uncut)]
  return {
    records,
    repeats,
    balancedSeconds: rounded(balanced),
    skewedSeconds: rounded(skewed),
    uncutSeconds: rounded(uncut),
    skewedOverBalanced: rounded(skewed / balanced),
    uncutOverBalanced: rounded(uncut / balanced),
    cuts,
    machine: { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism() },
  }
}

interface Outcome {
  readonly seconds: number
  readonly cuts: number
  /** Of the records written, in their order, wherever files end. */
  readonly sha256: string
}

async function runJob(folder: string, name: string, records: number, shares: readonly number[]): Promise<Outcome> {
  if (!existsSync(CLI)) throw new Error(`expected the built command line at ${CLI}: npm run build`)
  const project = path.join(folder, 'project')
  rmSync(project, { recursive: true, force: true })
  mkdirSync(path.join(project, 'input'), { recursive: true })
  cpSync(path.join(HERE, 'jobs'), path.join(project, 'jobs'), { recursive: true })
  let first = 1
  for (const [index, share] of shares.entries()) {
    const last = index === shares.length - 1 ? records : first + Math.round(records * share) - 1
    const rows = Array.from({ length: last - first + 1 }, (_, row) => `${first + row},some text of a line\n`)
    writeFileSync(path.join(project, 'input', `${index}.csv`), `id,text\n${rows.join('')}`)
    first = last + 1
  }
  const { seconds } = await measure([CLI, 'run', name, '--slots', '2', '--project', project], { cwd: project })
  const published = path.join(project, 'out/digests/all/v000001')
  const hash = createHash('sha256')
  for (const part of readdirSync(published).sort()) hash.update(readFileSync(path.join(published, part)))
  const cuts = countCuts(path.join(project, '.batchwright'))
  rmSync(project, { recursive: true })
  return { seconds, cuts, sha256: hash.digest('hex') }
}

function countCuts(state: string): number {
  const file = readdirSync(state).find((each) => /\.(db|sqlite)$/.test(each))
  if (file === undefined) throw new Error(`expected the store in ${state}, found ${readdirSync(state).join(', ')}`)
  const store = new DatabaseSync(path.join(state, file), { readOnly: true })
  try {
    const row = store.prepare(`select count(*) as cuts from events where type = 'task.split'`).get()
    return Number(row?.['cuts'] ?? 0)
  } finally {
    store.close()
  }
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}
