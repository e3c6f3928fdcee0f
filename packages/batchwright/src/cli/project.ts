/** The project: the folder with the jobs, found from where the command was typed. */
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import type { Configuration } from './configuration.ts'
import { CONFIG_FILE, readConfiguration } from './configuration.ts'
import { BatchwrightError } from '../kernel/errors.ts'
import type { StoreAddress } from '../store/index.ts'
import { usageError } from './failure.ts'

const JOBS_FOLDER = 'jobs'

export interface Project {
  /** Absolute. Relative dataset locations start here. */
  readonly folder: string
  /** `<folder>/.batchwright`, or as configured: the store, artifacts, the runs' own files. */
  readonly state: string
  /** SQLite in the state folder, or as configured. */
  readonly store: StoreAddress
  /** Files that may define jobs, absolute, sorted. */
  readonly jobFiles: readonly string[]
  /** The globs they were found by, relative to the folder; for messages. */
  readonly jobGlobs: readonly string[]
  readonly configuration: Configuration
}

/**
 * Opens the project of a folder: the nearest one upwards that holds `batchwright.config.json` or a `jobs` folder.
 * `given` (from `--project`, or BATCHWRIGHT_PROJECT) must be such a folder itself. Throws PROJECT_NOT_FOUND, CONFIG_INVALID.
 */
export function openProject(
  workingFolder: string,
  given: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Project {
  const folder = given === undefined ? findUpwards(workingFolder) : path.resolve(workingFolder, given)
  if (folder === null || !isProject(folder)) {
    throw usageError({
      code: 'PROJECT_NOT_FOUND',
      message:
        given === undefined
          ? `no project here: neither ${workingFolder} nor a folder above it holds ${JOBS_FOLDER}/ or ${CONFIG_FILE}`
          : `${path.resolve(workingFolder, given)} is no project: it holds neither ${JOBS_FOLDER}/ nor ${CONFIG_FILE}`,
      hint: `go to your project's folder, or name it with --project DIR; a project is a folder with job files in ${JOBS_FOLDER}/`,
      details: { folder: given ?? workingFolder },
    })
  }
  const configuration = readConfiguration(folder, environment)
  const jobGlobs = configuration.jobs.value
  const state = path.resolve(folder, configuration.state.value)
  return {
    folder,
    state,
    store: storeAddress(state, configuration),
    jobGlobs,
    jobFiles: findJobFiles(folder, jobGlobs),
    configuration,
  }
}

function storeAddress(state: string, { store }: Configuration): StoreAddress {
  if (store.value === null) return { kind: 'sqlite', path: path.join(state, 'store.db') }
  return { kind: 'postgres', url: store.value }
}

/** Where a run keeps its own files. */
export function runFolder(project: Project, runId: string): string {
  return path.join(project.state, 'runs', runId)
}

function findUpwards(start: string): string | null {
  for (let folder = start; ; folder = path.dirname(folder)) {
    if (isProject(folder)) return folder
    if (path.dirname(folder) === folder) return null
  }
}

function isProject(folder: string): boolean {
  if (existsSync(path.join(folder, CONFIG_FILE))) return true
  return statSync(path.join(folder, JOBS_FOLDER), { throwIfNoEntry: false })?.isDirectory() ?? false
}

function readJobFile(folder: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    const name = path.relative(folder, file)
    throw new BatchwrightError({
      code: 'JOB_FILE_UNREADABLE',
      message: `expected to be able to read ${name}, found that the system refuses it (${code})`,
      hint: `\`ls -ld ${name}\` shows who may read it, \`id\` who you are.`,
      details: { file },
      cause,
    })
  }
}

/** Helpers may lie beside jobs: only a file with a default export is a job's. */
function findJobFiles(folder: string, globs: readonly string[]): readonly string[] {
  return globSync([...globs], {
    cwd: folder,
    exclude: ['**/node_modules/**', '**/*.test.*', '**/*.d.ts', '**/*.d.mts'],
  })
    .map((file) => path.join(folder, file))
    .filter((file) => /\bexport\s+default\b|\bas\s+default\b/.test(readJobFile(folder, file)))
    .sort()
}
