/** Whether the contracts of a job, as they are now, read what is published. */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import {
  currentManifest,
  datasetFolder,
  listWindows,
  partitionOpener,
  planDataset,
  samplePublished,
  type Manifest,
} from '../../data/index.ts'
import { Fault } from '../../job/index.ts'
import type { DatasetDefinition, JobDefinition, PartitionPolicy } from '../../job/index.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { Folders } from '../../protocol/index.ts'
import type { ContractFinding } from './contract.ts'

/** Records that are read of each version that is looked at. */
const RECORDS = 100
/** Windows whose newest versions are looked at, the latest ones. */
const WINDOWS = 400

/**
 * One finding for each contract version that published data of a dataset was written under; the newest window stands for
 * all. Written and read datasets alike: what a job publishes, others read.
 */
export async function checkContracts(
  job: JobDefinition,
  projectFolder: string,
  scratch: string,
): Promise<readonly ContractFinding[]> {
  const findings: ContractFinding[] = []
  for (const dataset of job.datasets.values()) {
    // Raw files are others' to check; whole files have no rows.
    if (dataset.location.kind === 'files' || dataset.format.format === 'files') continue
    const base = { dataset: dataset.name, version: dataset.contract.version }
    const versions = await newestByContract(datasetFolder(projectFolder, dataset))
    if (versions.length === 0) findings.push({ ...base, window: null, found: null, problem: null })
    for (const manifest of versions) {
      findings.push({
        ...base,
        window: manifest.window?.key ?? null,
        found: manifest.contractVersion,
        problem: await problemOf(dataset, manifest, projectFolder, path.join(scratch, 'contracts')),
      })
    }
  }
  return findings
}

/** The current version of the latest window under each contract version, the newest contract version first. */
async function newestByContract(folder: string): Promise<readonly Manifest[]> {
  const newest = new Map<number, Manifest>()
  for (const key of (await listWindows(folder)).slice(-WINDOWS)) {
    const manifest = await currentManifest(folder, key)
    // Windows come in order; a version without records proves nothing.
    if (manifest !== null && (manifest.records > 0 || !newest.has(manifest.contractVersion)))
      newest.set(manifest.contractVersion, manifest)
  }
  return [...newest.values()].sort((left, right) => right.contractVersion - left.contractVersion)
}

async function problemOf(
  dataset: DatasetDefinition,
  manifest: Manifest,
  projectFolder: string,
  scratch: string,
): Promise<ContractFinding['problem']> {
  const { version } = dataset.contract
  if (manifest.contractVersion > version) {
    return {
      code: 'CONTRACT_OLDER',
      message: `${placeOf(dataset, manifest)} was written under contract version ${manifest.contractVersion}, and this is version ${version}`,
      hint: `take the contract that wrote it, or define version ${manifest.contractVersion + 1} with an upcast from ${manifest.contractVersion}`,
    }
  }
  try {
    const fault = await firstFault(dataset, manifest, projectFolder, scratch)
    return fault === null ? null : unreadable(dataset, manifest, fault)
  } catch (thrown) {
    if (!(thrown instanceof BatchwrightError) || !CONTRACT_CODES.has(thrown.code)) throw thrown
    const noWay = thrown.code === 'CONTRACT_VERSION_UNKNOWN'
    return unreadable(dataset, manifest, noWay ? 'there is no upcast' : thrown.message)
  }
}

const CONTRACT_CODES = new Set(['CONTRACT_VERSION_UNKNOWN', 'COLUMN_MISSING', 'COLUMN_AMBIGUOUS'])

function placeOf(dataset: DatasetDefinition, { window, number }: Manifest): string {
  return `${dataset.name}${window === null ? '' : ` ${window.key}`}, published version ${number},`
}

function unreadable(dataset: DatasetDefinition, manifest: Manifest, why: string): ContractFinding['problem'] {
  const { contract } = dataset
  const from = manifest.contractVersion
  const place = placeOf(dataset, manifest)
  if (from === contract.version) {
    return {
      code: 'CONTRACT_CHANGED',
      message: `the contract of ${dataset.name} does not read ${place} though both are version ${from}: ${why}`,
      hint: `raise it: contract(${from + 1}, ..., { upcast: { ${from}: (old) => ({ ...old }) } }), or take the change back`,
    }
  }
  return {
    code: contract.upcast.has(from) ? 'CONTRACT_UPCAST_FAILED' : 'CONTRACT_UPCAST_MISSING',
    message: `contract version ${contract.version} does not read ${place} which was written under version ${from}: ${why}`,
    hint: contract.upcast.has(from)
      ? `mend the upcast from ${from}: what it returns must meet version ${from + 1}`
      : `say how older records become newer ones: { upcast: { ${from}: (old) => ({ ...old }) } }`,
  }
}

const WHOLE_FILES: PartitionPolicy = { by: 'file', size: null, count: null, key: null }

/** What is wrong with the first record that the contract refuses; null where it reads all of the sample. */
async function firstFault(
  dataset: DatasetDefinition,
  manifest: Manifest,
  projectFolder: string,
  scratch: string,
): Promise<string | null> {
  const name = `${dataset.name}-${manifest.contractVersion}`
  const target = path.join(scratch, name)
  const run = path.join(scratch, `${name}-run`)
  await mkdir(run, { recursive: true })
  await samplePublished({ folder: datasetFolder(projectFolder, dataset), manifest, dataset, target, limit: RECORDS })
  const sampled: DatasetDefinition = { ...dataset, location: { kind: 'published', folder: target } }
  const folders: Folders = { project: scratch, state: scratch, run }
  const { partitions } = await planDataset({
    dataset: sampled,
    windows: [manifest.window],
    parameters: {},
    policy: WHOLE_FILES,
    step: name,
    folders,
    expected: null,
  })
  const open = partitionOpener({ dataset: sampled, policy: WHOLE_FILES, folders })
  for (const partition of partitions) {
    const reader = await open(partition, null)
    try {
      for (let batch = await reader.read(); batch !== null; batch = await reader.read()) {
        const fault = batch.records.find((record) => record instanceof Fault)
        if (fault instanceof Fault) return fault.message
      }
    } finally {
      await reader.close()
    }
  }
  return null
}
