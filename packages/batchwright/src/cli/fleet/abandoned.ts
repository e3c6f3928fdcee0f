import type { Duty } from '../../engine/index.ts'
import { findAbandoned, removeAbandoned } from '../../data/index.ts'
import { loadArtifact } from '../../runtime/index.ts'
import type { RunRow, Store } from '../../store/index.ts'
import { writtenFolders } from '../clean.ts'
import { runFolder } from '../project.ts'
import type { Session } from '../session.ts'
import { artifactPathIn, fetchArtifact } from './artifacts.ts'

/** From the first look at a folder to its removal: longer than any zombie of a lease has been seen to sleep. */
const GRACE_MS = 10 * 60_000
const EVERY_MS = 5 * 60_000
/** Runs that are looked at in one pass, the newest. */
const MOST_RUNS = 50
/** Attempts under way of one run that are looked at. A run that has more keeps its folders until it ends. */
const MOST_ATTEMPTS = 10_000

export interface AbandonedOptions {
  /** Milliseconds; default ten minutes. */
  readonly graceMs?: number
}

/**
 * Removes what attempts of dead workers have staged in runs that still go on, where no checkpoint and no output refers to it
 * and no attempt works in it: at the second look, after the grace. What a zombie writes there later is found again.
 */
export function abandoned(session: Session, { graceMs = GRACE_MS }: AbandonedOptions = {}): Duty {
  const { project, clock } = session
  const seen = new Map<string, number>()
  const due = (folders: readonly string[]): readonly string[] => {
    const now = clock.monotonic()
    for (const folder of folders) if (!seen.has(folder)) seen.set(folder, now)
    return folders.filter((folder) => now - (seen.get(folder) ?? now) >= graceMs)
  }
  const clean = async (store: Store, run: RunRow): Promise<number> => {
    const found = due(await abandonedIn(session, store, run))
    if (found.length === 0) return 0
    const { files } = await removeAbandoned(found, await store.referencedParts(run.runId))
    return files
  }
  return {
    name: 'abandoned attempts',
    everyMs: Math.min(EVERY_MS, Math.max(1_000, graceMs / 2)),
    pass: async ({ store, signal }) => {
      const { items } = await store.listRuns({ states: ['queued', 'running', 'failed'], limit: MOST_RUNS })
      let files = 0
      for (const run of items) {
        if (signal.aborted) break
        await fetchArtifact(project, store, {
          codeVersion: run.codeVersion,
          path: artifactPathIn(project)(run.codeVersion, run.artifactPath),
        })
        files += await clean(store, run)
      }
      return { files }
    },
  }
}

/** None where there are too many attempts under way to know them all. */
async function abandonedIn({ project }: Session, store: Store, run: RunRow): Promise<readonly string[]> {
  const path = artifactPathIn(project)(run.codeVersion, run.artifactPath)
  const job = await loadArtifact({ codeVersion: run.codeVersion, path })
  const attempts = await store.listAttempts(run.runId, { kind: 'partition', limit: MOST_ATTEMPTS })
  if (attempts.length === MOST_ATTEMPTS) return []
  const underWay = new Set(
    attempts
      .filter(({ endedAt }) => endedAt === null)
      .map(({ step, index, fence }) => `${step} ${String(index)} ${fence}`),
  )
  return findAbandoned({
    runId: run.runId,
    runFolder: runFolder(project, run.runId),
    datasetFolders: writtenFolders(project, job),
    isUnderWay: ({ step, index, fence }) => underWay.has(`${step} ${String(index)} ${fence}`),
  })
}
