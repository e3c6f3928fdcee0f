/**
 * The records loop against a bare loop: a generated CSV through validation and one function to JSON Lines. Both parse with
 * the same parser, validate against the same contracts, call the same function and write the same bytes, which is checked;
 * what the engine does beside that (planning, hashing, checkpoints, fsync, verification, publication) is its own time.
 * Every figure is of a whole process, from its start to its end; medians over repeats that take turns.
 */
import { availableParallelism, cpus, tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { median } from '../measure.ts'
import { inputFile } from './input.ts'
import { runBare, runEngine, runTrivial } from './runs.ts'
import type { Outcome } from './runs.ts'

interface Options {
  readonly rows: number
  readonly repeats: number
  readonly sizes: readonly number[]
  readonly folder: string
  readonly json: boolean
}

export interface RecordsFigures {
  readonly rows: number
  readonly repeats: number
  readonly bareSeconds: number
  readonly oneSlotSeconds: number
  readonly twoSlotsSeconds: number
  /** One slot's time over the bare loop's; at most 1.2 wanted. */
  readonly engineOverBare: number
  /** Speed of two slots over one; at least 1.7 wanted. */
  readonly twoSlotsOverOne: number
  /** Largest resident memory of an engine process, one or two slots, whatever the size; at most 250 wanted. */
  readonly peakMb: number
  readonly peakMbByRows: Readonly<Record<string, number>>
  /** From the command to its end, for a job with one step that does nothing; at most 600 wanted. */
  readonly startupMs: number
  readonly machine: { readonly node: string; readonly cpu: string; readonly cores: number }
}

const STARTUPS = 7

export async function recordsBenchmark(args: readonly string[]): Promise<void> {
  const options = readOptions(args)
  const say = (line: string): void => {
    if (!options.json) console.log(line)
  }
  const figures = await measureRecords(options, say)
  if (options.json) console.log(JSON.stringify(figures))
  else printFigures(figures)
}

async function measureRecords(options: Options, say: (line: string) => void): Promise<RecordsFigures> {
  const { folder, rows, repeats } = options
  const startups: number[] = []
  for (let count = 0; count < STARTUPS; count += 1) startups.push((await runTrivial(folder)).seconds * 1000)
  say(`start-up ${median(startups).toFixed(0)} ms`)

  const input = inputFile(folder, rows)
  const times = { bare: [] as number[], one: [] as number[], two: [] as number[] }
  const peaks = new Map<number, number>()
  const notePeak = (size: number, outcome: Outcome): void => {
    peaks.set(size, Math.max(peaks.get(size) ?? 0, outcome.peakMb))
  }
  for (let repeat = 1; repeat <= repeats; repeat += 1) {
    const bare = await runBare(folder, input)
    const one = await runEngine(folder, input, 1)
    const two = await runEngine(folder, input, 2)
    for (const engine of [one, two]) {
      if (engine.sha256 !== bare.sha256) throw new Error('the engine and the bare loop wrote different bytes')
      notePeak(rows, engine)
    }
    times.bare.push(bare.seconds)
    times.one.push(one.seconds)
    times.two.push(two.seconds)
    say(
      `${repeat}/${repeats}: bare ${bare.seconds.toFixed(2)} s, one slot ${one.seconds.toFixed(2)} s, two slots ${two.seconds.toFixed(2)} s`,
    )
  }
  for (const size of options.sizes) {
    const outcomes = [
      await runEngine(folder, inputFile(folder, size), 1),
      await runEngine(folder, inputFile(folder, size), 2),
    ]
    for (const outcome of outcomes) notePeak(size, outcome)
    say(`${size.toLocaleString('en')} rows: peak ${(peaks.get(size) ?? 0).toFixed(0)} MB`)
  }
  const [bare, one, two] = [median(times.bare), median(times.one), median(times.two)]
  return {
    rows,
    repeats,
    bareSeconds: rounded(bare),
    oneSlotSeconds: rounded(one),
    twoSlotsSeconds: rounded(two),
    engineOverBare: rounded(one / bare),
    twoSlotsOverOne: rounded(one / two),
    peakMb: rounded(Math.max(...peaks.values())),
    peakMbByRows: Object.fromEntries([...peaks].sort(([a], [b]) => a - b).map(([size, peak]) => [size, rounded(peak)])),
    startupMs: Math.round(median(startups)),
    machine: { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism() },
  }
}

function printFigures(figures: RecordsFigures): void {
  const speed = (seconds: number): string => `${(figures.rows / seconds / 1e6).toFixed(2)} M rows/s`
  const lines = [
    '',
    `${figures.rows.toLocaleString('en')} rows, medians of ${figures.repeats} on ${figures.machine.cores} cores (${figures.machine.cpu}), Node ${figures.machine.node}`,
    `bare loop        ${figures.bareSeconds.toFixed(2)} s   ${speed(figures.bareSeconds)}`,
    `one slot         ${figures.oneSlotSeconds.toFixed(2)} s   ${speed(figures.oneSlotSeconds)}`,
    `two slots        ${figures.twoSlotsSeconds.toFixed(2)} s   ${speed(figures.twoSlotsSeconds)}`,
    `engineOverBare   ${figures.engineOverBare}   (at most 1.2)`,
    `twoSlotsOverOne  ${figures.twoSlotsOverOne}   (at least 1.7)`,
    `peakMb           ${figures.peakMb}   (at most 250)   by rows: ${JSON.stringify(figures.peakMbByRows)}`,
    `startupMs        ${figures.startupMs}   (at most 600)`,
  ]
  console.log(lines.join('\n'))
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: '10000000' },
      repeats: { type: 'string', default: '3' },
      sizes: { type: 'string', default: '' },
      folder: { type: 'string', default: path.join(tmpdir(), 'batchwright-bench') },
      json: { type: 'boolean', default: false },
    },
  })
  const sizes = values.sizes === '' ? [] : values.sizes.split(',').map(Number)
  const options = { ...values, rows: Number(values.rows), repeats: Number(values.repeats), sizes }
  for (const count of [options.rows, options.repeats, ...sizes]) {
    if (!Number.isSafeInteger(count) || count < 1) throw new Error(`expected whole numbers from 1, found ${count}`)
  }
  return options
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}
