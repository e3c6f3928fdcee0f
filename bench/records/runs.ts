/** The processes that are measured, each from a clean start in a folder of its own. */
import { createHash } from 'node:crypto'
import { cpSync, createReadStream, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { build } from 'esbuild'
import { measure } from '../measure.ts'
import type { Measured } from '../measure.ts'

export interface Outcome {
  readonly seconds: number
  readonly peakMb: number
  /** Of the bytes written: of all parts, one after the other. */
  readonly sha256: string
}

const HERE = import.meta.dirname
const CLI = path.join(HERE, '../../packages/batchwright/dist/cli.js')

export async function runBare(folder: string, input: string): Promise<Outcome> {
  const output = path.join(folder, 'bare.jsonl')
  rmSync(output, { force: true })
  const measured = await measure([await builtBare(folder), input, output])
  return { ...measured, sha256: await digest([output]) }
}

/** The bare loop as one file of JavaScript, as the engine is measured built. */
async function builtBare(folder: string): Promise<string> {
  const outfile = path.join(folder, 'bare.mjs')
  await build({
    entryPoints: [path.join(HERE, 'bare.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    conditions: ['batchwright-source'],
  })
  return outfile
}

export async function runEngine(folder: string, input: string, slots: number): Promise<Outcome> {
  const project = freshProject(folder)
  symlinkSync(input, path.join(project, 'input.csv'))
  const measured = await runCli(['run', 'records', '--slots', String(slots), '--project', project], project)
  const published = path.join(project, 'out', 'priced', 'all', 'v000001')
  const parts = readdirSync(published).sort()
  const sha256 = await digest(parts.map((name) => path.join(published, name)))
  rmSync(project, { recursive: true })
  return { ...measured, sha256 }
}

/** A job of one step that does nothing: what every command costs. */
export async function runTrivial(folder: string): Promise<Measured> {
  const project = freshProject(folder)
  const measured = await runCli(['run', 'trivial', '--project', project], project)
  rmSync(project, { recursive: true })
  return measured
}

function runCli(args: readonly string[], cwd: string): Promise<Measured> {
  if (!existsSync(CLI)) throw new Error(`expected the built command line at ${CLI}: npm run build`)
  return measure([CLI, ...args], { cwd })
}

function freshProject(folder: string): string {
  const project = path.join(folder, 'project')
  rmSync(project, { recursive: true, force: true })
  mkdirSync(project, { recursive: true })
  cpSync(path.join(HERE, 'jobs'), path.join(project, 'jobs'), { recursive: true })
  return project
}

async function digest(files: readonly string[]): Promise<string> {
  const hash = createHash('sha256')
  for (const file of files) {
    for await (const piece of createReadStream(file) as AsyncIterable<Buffer>) hash.update(piece)
  }
  return hash.digest('hex')
}
