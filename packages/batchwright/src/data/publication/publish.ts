import { copyFile, link, open, readdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { canonicalJson, sha256 } from '../../kernel/digest.ts'
import { BatchwrightError, type JsonValue } from '../../kernel/errors.ts'
import { failPoint } from '../../kernel/failpoint.ts'
import { systemRandom } from '../../kernel/random.ts'
import type { Part, PublicationIntent } from '../../protocol/index.ts'
import { makeFolder, syncFolder } from '../sinks/folders.ts'
import { finishedPartLost, storageError, systemCode } from '../sinks/storage-errors.ts'
import { manifestName, manifestsFolder, versionName, windowFolder } from './layout.ts'
import { manifestNumbers, readManifest, type Manifest, type PublishedPart } from './manifest.ts'
import { checksumMismatch, digestOf } from './verify-file.ts'

/** A part that is to be published; under a name, where it is a file of a dataset of files. */
type StagedPart = Part & { readonly name?: string }

export interface PublishRequest extends Pick<
  Manifest,
  'contractVersion' | 'inputs' | 'controls' | 'createdAt' | 'format'
> {
  /** The dataset's folder, absolute. */
  readonly folder: string
  readonly intent: PublicationIntent
  /** Staged parts, in order of task index, then part; whole files have a name of their own. */
  readonly parts: readonly StagedPart[]
  readonly run: Omit<Manifest['run'], 'step'>
  /** Of a table, whose rows have no parts: how many there are. Absent: those of the parts. */
  readonly records?: number
}

/**
 * Makes a recorded intent visible: links its parts into a version folder of their own and creates manifest N exclusively.
 * A part that is linked now is checked by its size: its digest was taken as it was written, and reading it back would see
 * the page cache, not the disk; readers verify it. A file that was there before is checked by its digest. May be called again at any time and by anyone: what is done already is done. Errors:
 * OUTPUT_LOST, PUBLICATION_CONFLICT (number N shows something else), DISK_FULL, OUTPUT_UNWRITABLE.
 */
export async function publishIntent(request: PublishRequest): Promise<Manifest> {
  const { folder, intent } = request
  const windowKey = intent.window?.key ?? null
  failPoint('publish.started')
  const parts = request.parts.map((part, index) => publishedPart(part, index))
  const manifestWith = (version: string): Manifest => ({
    manifest: 1,
    dataset: intent.dataset,
    window: intent.window,
    number: intent.number,
    folder: version,
    format: request.format,
    parts,
    records: request.records ?? parts.reduce((sum, part) => sum + part.records, 0),
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
    contractVersion: request.contractVersion,
    run: { ...request.run, step: intent.step },
    inputs: request.inputs,
    controls: request.controls,
    createdAt: request.createdAt,
    rollbackTo: null,
  })
  if ((await manifestNumbers(folder, windowKey)).includes(intent.number)) {
    return await sameOrConflict(folder, windowKey, manifestWith(versionName(intent.number)))
  }
  const version = await linkParts(windowFolder(folder, windowKey), intent.number, request.parts, parts)
  failPoint('publish.linked')
  const manifest = await createManifest(folder, manifestWith(version))
  failPoint('publish.manifest-created')
  return manifest
}

export interface RollbackRequest {
  readonly folder: string
  readonly windowKey: string | null
  /** Number of the new manifest, allocated by the store. */
  readonly number: number
  /** Number of the version to be shown again. */
  readonly toNumber: number
  /** ISO 8601. */
  readonly createdAt: string
}

/**
 * Shows an earlier version again, as a new number, after its parts have been verified. May be called again. Errors:
 * VERSION_NOT_FOUND, CHECKSUM_MISMATCH, PUBLICATION_CONFLICT.
 */
export async function rollbackManifest(request: RollbackRequest): Promise<Manifest> {
  const { folder, windowKey, number, toNumber } = request
  const earlier = await readManifest(folder, windowKey, toNumber)
  if (earlier.format === 'table') throw tableNotRolledBack(earlier.dataset)
  const version = path.join(windowFolder(folder, windowKey), earlier.folder)
  for (const part of earlier.parts) await verifyPart(path.join(version, part.file), part.sha256)
  return await createManifest(folder, {
    ...earlier,
    number,
    createdAt: request.createdAt,
    // A rollback to a rollback names the version whose parts it shows.
    rollbackTo: earlier.rollbackTo ?? toNumber,
  })
}

function publishedPart(part: StagedPart, index: number): PublishedPart {
  const { bytes, records, sha256: digest, codeVersion } = part
  const file = part.name ?? `part-${String(index).padStart(5, '0')}.${part.format}`
  return { file, bytes, records, sha256: digest, codeVersion }
}

/**
 * Links the parts into the version's folder and says its name. Nothing there is ever replaced: where an unfinished
 * publication left other content under this number, the parts go to a folder named by their own digest.
 */
async function linkParts(
  window: string,
  number: number,
  staged: readonly Part[],
  parts: readonly PublishedPart[],
): Promise<string> {
  const plain = versionName(number)
  const named = `${plain}-${sha256(canonicalJson(parts.map((part) => part.sha256))).slice(0, 12)}`
  for (const version of [plain, named]) {
    const target = path.join(window, version)
    const folders = foldersOf(target, parts)
    for (const folder of folders) await makeFolder(folder)
    if (await allLinked(target, staged, parts)) {
      for (const folder of folders) {
        await removeTemporaries(folder)
        await syncFolder(folder)
      }
      return version
    }
  }
  throw new BatchwrightError({
    code: 'PUBLICATION_CONFLICT',
    message: `expected to link parts into ${path.join(window, named)}, found other files of the same names there`,
    hint: 'remove that folder: no manifest refers to it',
    details: { path: path.join(window, named) },
  })
}

/** The version's folder, and those inside it that its files lie in. */
function foldersOf(target: string, parts: readonly PublishedPart[]): readonly string[] {
  const folders = new Set([target])
  for (const { file } of parts) {
    // Those between, too: whoever made them may have died before their names were on the disk.
    for (let folder = path.dirname(path.join(target, file)); !folders.has(folder); folder = path.dirname(folder)) {
      folders.add(folder)
    }
  }
  return [...folders]
}

/** False where a file of other content has one of the names. */
async function allLinked(target: string, staged: readonly Part[], parts: readonly PublishedPart[]): Promise<boolean> {
  for (const [index, part] of staged.entries()) {
    const file = path.join(target, parts[index]?.file ?? '')
    if (await linkPart(part, file)) await sizeOrLost(part, file)
    else if ((await digestOf(file))?.sha256 !== part.sha256) return false
  }
  return true
}

/** A part that is shorter or longer than what was written is never shown. */
async function sizeOrLost(part: Part, file: string): Promise<void> {
  const { size } = await stat(file)
  if (size === part.bytes) return
  await rm(file, { force: true })
  throw finishedPartLost(part.path, `${part.bytes} bytes`, `${size} bytes`)
}

/** Whether this call made the link; false where a file was there before. */
async function linkPart(part: Part, file: string): Promise<boolean> {
  try {
    await link(part.path, file)
    return true
  } catch (thrown) {
    switch (systemCode(thrown)) {
      case 'EEXIST':
        return false
      case 'ENOENT':
        // Cleaned up after an earlier call that got this far; else lost.
        if (await exists(file)) return false
        throw finishedPartLost(part.path, `${part.bytes} bytes`, 'no such file')
      case 'EXDEV':
      case 'EMLINK':
      case 'ENOTSUP':
      case 'EOPNOTSUPP':
      case 'EPERM':
        return await copyPart(part, file)
      default:
        throw storageError(thrown, file)
    }
  }
}

/** Where a file cannot be linked: a whole copy, made durable under a name of its own, then given its name. */
async function copyPart(part: Part, file: string): Promise<boolean> {
  if (await exists(file)) return false
  // Not by its own name: with what is added to it, a long one would be longer than file systems take.
  const temporary = temporaryName(path.dirname(file), 'part')
  try {
    await copyFile(part.path, temporary)
    await syncFile(temporary)
    await rename(temporary, file)
    return true
  } catch (thrown) {
    throw storageError(thrown, file)
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Creates manifest N, or finds that it says the same already. */
async function createManifest(folder: string, manifest: Manifest): Promise<Manifest> {
  const windowKey = manifest.window?.key ?? null
  const manifests = manifestsFolder(folder, windowKey)
  const target = path.join(manifests, manifestName(manifest.number))
  await makeFolder(manifests)
  const temporary = temporaryName(manifests, manifestName(manifest.number))
  try {
    await writeDurably(temporary, `${JSON.stringify(manifest, null, 2)}\n`)
    await link(temporary, target)
  } catch (thrown) {
    if (!(await exists(target))) throw storageError(thrown, target)
    return await sameOrConflict(folder, windowKey, manifest)
  } finally {
    await rm(temporary, { force: true })
  }
  await syncFolder(manifests)
  await removeTemporaries(manifests, manifestName(manifest.number))
  return manifest
}

async function sameOrConflict(folder: string, windowKey: string | null, wanted: Manifest): Promise<Manifest> {
  const found = await readManifest(folder, windowKey, wanted.number)
  if (contentOf(found) === contentOf(wanted)) {
    // Whoever made it may have died before its name was on the disk.
    const manifests = manifestsFolder(folder, windowKey)
    await syncFolder(manifests)
    await removeTemporaries(manifests, manifestName(wanted.number))
    return found
  }
  throw new BatchwrightError({
    code: 'PUBLICATION_CONFLICT',
    message: `dataset ${wanted.dataset}: expected to publish version ${wanted.number} of run ${wanted.run.id}, found that number taken by run ${found.run.id} with other content`,
    hint: 'use one store for all that publish this dataset: numbers are allocated by it',
    details: { dataset: wanted.dataset, number: wanted.number, run: found.run.id },
  })
}

/** What a manifest says, wherever its parts lie. */
function contentOf(manifest: Manifest): string {
  // A manifest is JSON: it has just been read from a file, or is about to be written to one.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
  return canonicalJson({ ...manifest, folder: null } as unknown as JsonValue)
}

async function verifyPart(file: string, expected: string): Promise<void> {
  const found = await digestOf(file)
  if (found?.sha256 !== expected) throw checksumMismatch(file, expected, found?.sha256 ?? 'no such file', null)
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file)
    return true
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return false
    throw thrown
  }
}

async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx')
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r+')
  try {
    await handle.datasync()
  } finally {
    await handle.close()
  }
}

/** A name that nobody else has: 90 bits of chance. Told from real names by its dot in front. */
function temporaryName(folder: string, name: string): string {
  const chance = [1, 2, 3].map(() => systemRandom.integer(2 ** 30).toString(36)).join('')
  return path.join(folder, `.${name}.${chance}.tmp`)
}

/**
 * What publishers that were killed have left in a folder, of one name or of all. One that still lives finds what it was about to
 * make there instead.
 */
async function removeTemporaries(folder: string, name: string | null = null): Promise<void> {
  for (const entry of await readdir(folder)) {
    const left = name === null ? entry.startsWith('.') && entry.endsWith('.tmp') : entry.startsWith(`.${name}.`)
    if (left) await rm(path.join(folder, entry), { force: true })
  }
}

/** The rows that a table had before are not kept. */
export function tableNotRolledBack(dataset: string): BatchwrightError {
  return new BatchwrightError({
    code: 'TABLE_NOT_ROLLED_BACK',
    message: `dataset ${dataset}: expected versions whose files are kept, found a table: the rows that it had before are gone`,
    hint: 'Make the former rows anew: `batchwright rerun JOB --window WINDOW` with the code of then (`--code HASH`); or bring the table back from a backup.',
    details: { dataset },
  })
}
