/**
 * The code of runs, by its hash: kept in the store when a run is made, and fetched from there by whoever works on it, so that a
 * worker needs no job files and a deploy does not change a run under way (PROTOCOLS 28).
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { BatchwrightError } from '../../kernel/errors.ts'
import type { ArtifactRef } from '../../protocol/index.ts'
import { storeArtifact, versionOfArtifact } from '../../runtime/index.ts'
import type { Store } from '../../store/index.ts'
import type { Project } from '../project.ts'

/** Where a code version lies in this process's state folder, fetched or not. */
export function artifactPathIn(project: Project): (codeVersion: string, named: string) => string {
  if (project.store.kind === 'sqlite') return (_, named) => named
  return (codeVersion) => path.join(project.state, 'artifacts', `${codeVersion}.mjs`)
}

/** Keeps an artifact in the store, for workers elsewhere. With the embedded store the file that is there is enough. */
export async function shareArtifact(project: Project, store: Store, artifact: ArtifactRef): Promise<void> {
  if (project.store.kind === 'sqlite') return
  const code = await readFile(artifact.path, 'utf8')
  const map = await readFile(`${artifact.path}.map`, 'utf8')
  await store.putArtifact(artifact.codeVersion, { code, map })
}

/**
 * Makes sure that a code version lies in the state folder, whole and unchanged; a file that is damaged is fetched anew.
 * Throws ARTIFACT_MISSING where the store does not have it, ARTIFACT_CHANGED where what the store has is something else.
 */
export async function fetchArtifact(
  project: Project,
  store: Store,
  { codeVersion, path: file }: ArtifactRef,
): Promise<void> {
  if (project.store.kind === 'sqlite' || (await versionOfArtifact(file)) === codeVersion) return
  const found = await store.getArtifact(codeVersion)
  if (found === null) {
    throw new BatchwrightError({
      code: 'ARTIFACT_MISSING',
      message: `expected the code version ${codeVersion} in the store, found that it was never put there`,
      hint: '`batchwright retry RUN` goes on with the code as it is now, where the plans allow it; `batchwright rerun JOB` makes a new run.',
      details: { codeVersion, path: file },
    })
  }
  await storeArtifact({ codeVersion, path: file }, found)
}
