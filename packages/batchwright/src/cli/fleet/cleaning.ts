import type { Duty } from '../../engine/index.ts'
import { loadArtifact } from '../../runtime/index.ts'
import type { RunRow, Store } from '../../store/index.ts'
import { cleanAfter } from '../clean.ts'
import type { Session } from '../session.ts'
import { artifactPathIn, fetchArtifact } from './artifacts.ts'

/** Whoever ended a run cleans up after it; after this long that was cut short. */
const LEFT_MS = 60_000
/** Runs that are looked at in one pass, the newest. */
const MOST_RUNS = 50

/**
 * Cleans up after runs whose own cleaning a crash cut short: staged copies of what is published, records between steps. Each
 * run once by this process: cleaning what is clean changes nothing, but costs a walk through folders.
 */
export function cleaning(session: Session, tell: (lines: readonly string[]) => void): Duty {
  const cleaned = new Set<string>()
  const clean = async (store: Store, run: RunRow): Promise<void> => {
    const { project } = session
    const artifact = { codeVersion: run.codeVersion, path: artifactPathIn(project)(run.codeVersion, run.artifactPath) }
    await fetchArtifact(project, store, artifact)
    await cleanAfter({ project, store, run, job: await loadArtifact(artifact) }, tell)
  }
  return {
    name: 'cleaning',
    everyMs: 5 * 60_000,
    pass: async ({ store, signal }) => {
      const now = await store.now()
      const { items } = await store.listRuns({ states: ['succeeded'], limit: MOST_RUNS })
      let runs = 0
      for (const run of items) {
        if (signal.aborted) break
        if (cleaned.has(run.runId) || run.endedAt === null || now - run.endedAt < LEFT_MS) continue
        await clean(store, run)
        cleaned.add(run.runId)
        runs += 1
      }
      return { runs }
    },
  }
}
