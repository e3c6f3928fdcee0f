import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { needsDuckDb } from './needs.ts'
import type { JobDefinition } from '../../job/index.ts'
import { packageVersion } from '../version.ts'
import { fail, ok, warn, type Finding } from './finding.ts'

/** Node, this package, the bundler, DuckDB, TypeScript. */
export async function versionFindings(
  projectFolder: string,
  jobs: readonly JobDefinition[],
): Promise<readonly Finding[]> {
  return [
    ok('versions', `Batchwright ${packageVersion()} on Node ${process.versions.node} (${process.execPath})`),
    await bundlerFinding(),
    await duckDbFinding(jobs),
    typescriptFinding(projectFolder),
  ]
}

async function bundlerFinding(): Promise<Finding> {
  try {
    const { transform, stop, version } = await import('esbuild')
    await transform('let x: number = 1', { loader: 'ts' })
    await stop()
    return ok('versions', `esbuild ${version} bundles job files`)
  } catch (error) {
    return fail(
      'versions',
      'BUNDLER_UNUSABLE',
      `esbuild does not work: ${firstLine(error)}`,
      'install again on this machine (its program is made for one platform): npm ci',
    )
  }
}

async function duckDbFinding(jobs: readonly JobDefinition[]): Promise<Finding> {
  const needed = jobs.filter(needsDuckDb).map((job) => job.name)
  const level = needed.length === 0 ? warn : fail
  const why = needed.length === 0 ? 'Parquet and sql steps need it; no job here does' : `needed by ${needed.join(', ')}`
  try {
    const { openDuckDb } = await import('../../data/index.ts')
    const db = await openDuckDb({ memoryBytes: 32_000_000, threads: 1, spillFolder: null })
    try {
      const { chunks } = await db.query('select version() as version')
      for await (const { values } of chunks) return ok('versions', `DuckDB ${String(values[0]?.[0])} loads`)
    } finally {
      db.close()
    }
    return level('versions', 'DUCKDB_MISSING', `DuckDB gives no answer; ${why}`, 'npm install @duckdb/node-api')
  } catch (error) {
    if (isMissing(error)) {
      if (needed.length === 0)
        return ok('versions', 'DuckDB is not installed: Parquet and sql steps need it, no job here does')
      return fail('versions', 'DUCKDB_MISSING', `DuckDB is not installed; ${why}`, 'npm install @duckdb/node-api')
    }
    return level(
      'versions',
      'DUCKDB_UNUSABLE',
      `DuckDB does not load: ${firstLine(error)}; ${why}`,
      'npm install @duckdb/node-api',
    )
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'DUCKDB_MISSING'
}

function typescriptFinding(projectFolder: string): Finding {
  try {
    const file = createRequire(path.join(projectFolder, 'package.json')).resolve('typescript/package.json')
    const json: unknown = JSON.parse(readFileSync(file, 'utf8'))
    const version = typeof json === 'object' && json !== null && 'version' in json ? String(json.version) : 'unknown'
    return ok('versions', `TypeScript ${version} checks the types of jobs`)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND')) throw error
    return warn(
      'versions',
      'TYPES_UNCHECKED',
      'TypeScript is not installed in this project: `dev` and `check` do not check types',
      'npm install --save-dev typescript',
    )
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''
}
