import type { Store } from '../contract/index.ts'
import { claim } from './claim.ts'
import { claimed } from './claimed.ts'
import { askCopy } from './copies.ts'
import { cancelRun, pauseRun, reopenRun } from './control.ts'
import { countEvents, listEvents } from './events.ts'
import { listAttempts, runActivity, totalAttempts } from './histories.ts'
import { listPools, listTenants, setPool, setTenant, waitingSteps } from './pools.ts'
import { intendPublication, intendRollback, listPublications, recordRollback } from './publications.ts'
import * as reads from './reads.ts'
import * as splits from './splits.ts'
import * as stragglers from './stragglers.ts'
import * as effects from './effects.ts'
import * as fleet from './fleet.ts'
import { consult, listServices } from './services.ts'
import { prune } from './retention.ts'
import { createRun, findRun } from './runs.ts'
import type { Session } from './session.ts'
import { addPartitions, checkpoint, finish, giveBack, start } from './tasks.ts'
import { listWorkers, reap, registerWorker, renew, retireWorker } from './workers.ts'

/** How a database runs what is written here: each body in one transaction of its own. */
export interface Transactions {
  /** One that may change the store. */
  readonly write: <Value>(body: (session: Session) => Promise<Value>) => Promise<Value>
  /** One that only looks: everything it reads is of one moment. */
  readonly read: <Value>(body: (session: Session) => Promise<Value>) => Promise<Value>
}

/** The verbs that a fleet lives on, and the reads that meet others at work. A database may have words of its own for them. */
export const HOT_VERBS = { claim, claimed, start, addPartitions, checkpoint, finish, giveBack, renew, reap, listEvents }
export type HotVerbs = typeof HOT_VERBS

/** What a store does outside its tables. */
export type OwnVerbs = Pick<Store, 'now' | 'waitForChange' | 'close'>

/** The store's verbs, each in one transaction. What each of them does is written in the file of its topic. */
export function sqlStore({ write, read }: Transactions, own: OwnVerbs, hot: HotVerbs = HOT_VERBS): Store {
  return {
    createRun: (run) => write((session) => createRun(session, run)),
    reopenRun: (runId, how) => write((session) => reopenRun(session, runId, how)),
    cancelRun: (runId, reason) => write((session) => cancelRun(session, runId, reason)),
    pauseRun: (runId, paused, by) => write((session) => pauseRun(session, runId, paused, by)),

    registerWorker: (worker) => write((session) => registerWorker(session, worker)),
    renew: (workerId, held) => write((session) => hot.renew(session, workerId, held)),
    retireWorker: (workerId) => write((session) => retireWorker(session, workerId)),
    reap: (knownDead, limits) => write((session) => hot.reap(session, knownDead, limits)),
    listWorkers: (filter) => read((session) => listWorkers(session, filter)),

    listRunning: (filter) => read((session) => stragglers.listRunning(session, filter)),
    idleSlots: () => read((session) => stragglers.idleSlots(session)),
    siblingTimes: (runId, step) => read((session) => stragglers.siblingTimes(session, runId, step)),
    askSplit: (lease, pieces) => write((session) => splits.askSplit(session, lease, pieces)),
    declineSplit: (lease, reason) => write((session) => splits.declineSplit(session, lease, reason)),
    askCopy: (lease, why) => write((session) => askCopy(session, lease, why)),
    lookAt: (leases) => read((session) => splits.lookAt(session, leases)),

    lead: (duty, holder, forMs) => write((session) => fleet.lead(session, duty, holder, forMs)),
    putArtifact: (codeVersion, artifact) => write((session) => fleet.putArtifact(session, codeVersion, artifact)),
    getArtifact: (codeVersion) => read((session) => fleet.getArtifact(session, codeVersion)),
    getStorage: () => read((session) => fleet.getStorage(session)),
    nameStorage: (storage, instead) => write((session) => fleet.nameStorage(session, storage, instead)),
    fleetLoad: () => read((session) => fleet.fleetLoad(session)),
    listHeld: (limit) => read((session) => fleet.listHeld(session, limit)),

    consult: (workerId, items) => write((session) => consult(session, workerId, items)),
    listServices: () => read((session) => listServices(session)),
    intendEffects: (items) => write((session) => effects.intendEffects(session, items)),
    settleEffects: (items) => write((session) => effects.settleEffects(session, items)),
    answerEffect: (name, answer, by) => write((session) => effects.answerEffect(session, name, answer, by)),
    listEffects: (filter) => read((session) => effects.listEffects(session, filter)),

    setPool: (name, change, by) => write((session) => setPool(session, name, change, by)),
    setTenant: (name, change, by) => write((session) => setTenant(session, name, change, by)),
    listPools: () => read((session) => listPools(session)),
    listTenants: () => read((session) => listTenants(session)),
    waitingSteps: (runId) => read((session) => waitingSteps(session, runId)),

    claim: (request) => write((session) => hot.claim(session, request)),
    claimed: (workerId, claimId) => read((session) => hot.claimed(session, workerId, claimId)),
    start: (leases) => write((session) => hot.start(session, leases)),
    addPartitions: (lease, partitions) => write((session) => hot.addPartitions(session, lease, partitions)),
    checkpoint: (items) => write((session) => hot.checkpoint(session, items)),
    finish: (items) => write((session) => hot.finish(session, items)),
    giveBack: (leases) => write((session) => hot.giveBack(session, leases)),

    intendPublication: (lease, targets) => write((session) => intendPublication(session, lease, targets)),
    intendRollback: (dataset, windowKey, toNumber, by, above) =>
      write((session) => intendRollback(session, dataset, windowKey, toNumber, by, above)),
    recordRollback: (dataset, windowKey, number, toNumber) =>
      write((session) => recordRollback(session, dataset, windowKey, number, toNumber)),
    listPublications: (filter) => read((session) => listPublications(session, filter)),

    prune: (olderThanMs, rows) => write((session) => prune(session, olderThanMs, rows)),

    getRun: (runId) => read(async (session) => (await findRun(session, runId))?.run ?? null),
    findRuns: (prefix, limit) => read((session) => reads.findRuns(session, prefix, limit)),
    listRuns: (filter) => read((session) => reads.listRuns(session, filter)),
    listSteps: (runId) => read((session) => reads.listSteps(session, runId)),
    listTasks: (runId, filter) => read((session) => reads.listTasks(session, runId, filter)),
    stepOutput: (runId, step) => read((session) => reads.stepOutput(session, runId, step)),
    listSnapshots: (runId) => read((session) => reads.listSnapshots(session, runId)),
    listEvents: (filter) => read((session) => hot.listEvents(session, filter)),
    countEvents: (runId) => read((session) => countEvents(session, runId)),
    listAttempts: (runId, filter) => read((session) => listAttempts(session, runId, filter)),
    totalAttempts: (runIds) => read((session) => totalAttempts(session, runIds)),
    runActivity: (runId, span) => read((session) => runActivity(session, runId, span)),
    nextDue: (runs) => read((session) => reads.nextDue(session, runs)),
    referencedParts: (runId) => read((session) => reads.referencedParts(session, runId)),
    ...own,
  }
}
