import { existsSync, readdirSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { datasetInputs, dryRun, type DryRunReport } from '../../dry-run/index.ts'
import { windowDate, type DatasetDefinition, type JobDefinition } from '../../job/index.ts'
import type { Clock } from '../../kernel/clock.ts'
import { reportError } from '../../kernel/errors.ts'
import type { Random } from '../../kernel/random.ts'
import type { ArtifactRef, WindowValue } from '../../protocol/index.ts'
import { artifactSources, buildArtifact, chooseWindows, loadArtifact } from '../../runtime/index.ts'
import { selectWindows } from '../select.ts'
import { chooseWindow } from './choose-window.ts'
import { checkContracts } from './contracts.ts'
import type { PassReport, PassRequest } from './contract.ts'
import { stepDigests } from './step-digest.ts'

export interface PassSurroundings {
  readonly clock: Clock
  readonly random: Random
  readonly onStep?: (step: string) => void
}

/**
 * Looks at one job file: bundles and loads it, holds its contracts against what is published, and runs it on a sample. What
 * is wrong with the job is in the report; rejects for what is wrong with the request or the machine.
 */
export async function makePass(request: PassRequest, surroundings: PassSurroundings): Promise<PassReport> {
  const file = path.relative(request.projectFolder, request.jobFile)
  const nothing = {
    file,
    job: null,
    window: null,
    codeVersion: null,
    error: null,
    contracts: [],
    run: null,
    stepDigests: {},
    inputFolders: [],
    printed: [],
  }
  const building = {
    jobFile: request.jobFile,
    projectFolder: request.projectFolder,
    artifactsFolder: request.artifactsFolder,
  }
  let loaded: { readonly artifact: ArtifactRef; readonly job: JobDefinition }
  try {
    const artifact = await buildArtifact(building)
    loaded = { artifact, job: await loadArtifact(artifact) }
  } catch (thrown) {
    return { ...nothing, error: reportError(thrown), sources: await ownSources(building) }
  }
  const { artifact, job } = loaded
  const known = {
    ...nothing,
    job: job.name,
    codeVersion: artifact.codeVersion,
    stepDigests: stepDigests(job),
    sources: await ownSources(building),
  }
  try {
    const window = await windowOf(job, request, surroundings.clock)
    const inputFolders = inputFoldersOf(job, window, request)
    const contracts = await checkContracts(job, request.projectFolder, request.scratch)
    const run = await runOnSample(job, artifact, window, request, surroundings)
    return { ...known, window: window?.key ?? null, inputFolders, contracts, run }
  } catch (thrown) {
    return { ...known, error: reportError(thrown) }
  }
}

async function ownSources(building: Parameters<typeof artifactSources>[0]): Promise<readonly string[]> {
  return (await artifactSources(building)).filter((source) => !source.split(path.sep).includes('node_modules'))
}

async function windowOf(job: JobDefinition, request: PassRequest, clock: Clock): Promise<WindowValue | null> {
  if (request.window !== null) return selectWindows(job, request.window)[0] ?? null
  return (await chooseWindow(job, request.projectFolder, request.parameters, clock.now())).window
}

async function runOnSample(
  job: JobDefinition,
  artifact: ArtifactRef,
  window: WindowValue | null,
  request: PassRequest,
  { clock, random, onStep }: PassSurroundings,
): Promise<DryRunReport> {
  const scratch = path.join(request.scratch, 'project')
  await mkdir(scratch, { recursive: true })
  return dryRun({
    job,
    artifact,
    project: request.projectFolder,
    scratch,
    window: window?.key ?? null,
    parameters: request.parameters,
    sample: request.sample,
    step: request.step,
    effects: request.effects,
    clock,
    random,
    ...(onStep === undefined ? {} : { onStep }),
  })
}

/** Folders below one with wildcards that are watched, at most. */
const MOST_FOLDERS = 500

/** Folders in which a file of an input may appear or change; of those that are not there, the nearest above that is. */
function inputFoldersOf(job: JobDefinition, window: WindowValue | null, request: PassRequest): readonly string[] {
  const folders = new Set<string>()
  for (const input of job.steps.flatMap(datasetInputs)) {
    for (const given of pathsOf(input.dataset, chooseWindows(input, window), request)) {
      const folder = existing(path.dirname(path.resolve(request.projectFolder, withoutGlob(given))))
      folders.add(folder)
      if (hasGlobbedFolder(given)) for (const below of foldersBelow(folder)) folders.add(below)
    }
  }
  return [...folders]
}

function hasGlobbedFolder(given: string): boolean {
  return /[*?[\]{}].*\//.test(given)
}

function foldersBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .slice(0, MOST_FOLDERS)
    .map((entry) => path.join(entry.parentPath, entry.name))
}

function pathsOf(
  { location }: DatasetDefinition,
  windows: readonly (WindowValue | null)[],
  { projectFolder, parameters }: PassRequest,
): readonly string[] {
  if (location.kind === 'table') return []
  if (location.kind === 'published') return [path.join(location.folder, 'all')]
  return windows.flatMap((window) =>
    location.paths({
      window: window === null ? null : { ...window, date: windowDate(window) },
      parameters,
      project: projectFolder,
    }),
  )
}

/** The part of a path that stands before the first wildcard, with a name after it. */
function withoutGlob(given: string): string {
  const at = given.search(/[*?[\]{}]/)
  return at === -1 ? given : `${given.slice(0, at)}x`
}

function existing(folder: string): string {
  return existsSync(folder) || path.dirname(folder) === folder ? folder : existing(path.dirname(folder))
}
