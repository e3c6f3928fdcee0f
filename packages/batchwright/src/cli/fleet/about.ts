import type { NewWorker, Store } from '../../store/index.ts'
import type { ArtifactRef } from '../../protocol/index.ts'
import type { Session } from '../session.ts'
import { packageVersion } from '../version.ts'
import { shareArtifact } from './artifacts.ts'
import { applyLanes } from './lanes.ts'
import { proveStorage } from './storage.ts'

/** What a process that works tells the store of itself. Throws where it does not see the storage of the fleet. */
export async function aboutWorker(
  session: Session,
  store: Store,
): Promise<Pick<NewWorker, 'name' | 'version' | 'storage'>> {
  const storage = await proveStorage(session, store)
  await applyLanes(session, store)
  const name = session.project.configuration.workerName.value
  return { name, version: packageVersion(), ...(storage === null ? {} : { storage }) }
}

/** Before a run is made for others to work on: the storage is common, and its code is there for them. */
export async function joinFleet(session: Session, store: Store, artifact: ArtifactRef): Promise<void> {
  await proveStorage(session, store)
  await applyLanes(session, store)
  await shareArtifact(session.project, store, artifact)
}
