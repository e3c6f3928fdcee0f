import type { Clock } from '../../kernel/clock.ts'
import type { Store } from '../contract.ts'
import type { Changes } from './changes.ts'
import { claim, claimed } from './claim.ts'
import { cancelRun, pauseRun, reopenRun } from './control.ts'
import { countEvents, listEvents } from './events.ts'
import { listAttempts, runActivity, totalAttempts } from './histories.ts'
import { intendPublication, intendRollback, listPublications, recordRollback } from './publications.ts'
import * as reads from './reads.ts'
import { createRun, findRun } from './runs.ts'
import type { Session } from './session.ts'
import { addPartitions, checkpoint, finish, giveBack, start } from './tasks.ts'
import { listWorkers, reap, registerWorker, renew, retireWorker } from './workers.ts'
import type { Writer } from './writer.ts'

/** The parts of one open store. */
export interface StoreParts {
  readonly session: Session
  readonly writer: Writer
  readonly changes: Changes
  readonly clock: Clock
}

/** The store's verbs, each in one transaction. What each of them does is written in the file of its topic. */
export function sqliteStore({ session, writer, changes, clock }: StoreParts): Store {
  const write = async <Value>(body: () => Value): Promise<Value> => {
    const value = await writer.write(body)
    changes.committed()
    return value
  }
  const read = <Value>(body: () => Value): Promise<Value> => writer.read(body)
  return {
    createRun: (run) => write(() => createRun(session, run)),
    reopenRun: (runId, how) => write(() => reopenRun(session, runId, how)),
    cancelRun: (runId, reason) => write(() => cancelRun(session, runId, reason)),
    pauseRun: (runId, paused, by) => write(() => pauseRun(session, runId, paused, by)),

    registerWorker: (worker) =>
      write(() => {
        registerWorker(session, worker)
      }),
    renew: (workerId, held) => write(() => renew(session, workerId, held)),
    retireWorker: (workerId) =>
      write(() => {
        retireWorker(session, workerId)
      }),
    reap: (knownDead, limits) => write(() => reap(session, knownDead, limits)),
    listWorkers: () => read(() => listWorkers(session)),

    claim: (request) => write(() => claim(session, request)),
    claimed: (workerId, claimId) => read(() => claimed(session, workerId, claimId)),
    start: (leases) => write(() => start(session, leases)),
    addPartitions: (lease, partitions) => write(() => addPartitions(session, lease, partitions)),
    checkpoint: (items) => write(() => checkpoint(session, items)),
    finish: (items) => write(() => finish(session, items)),
    giveBack: (leases) => write(() => giveBack(session, leases)),

    intendPublication: (lease, targets) => write(() => intendPublication(session, lease, targets)),
    intendRollback: (dataset, windowKey, toNumber, by, above) =>
      write(() => intendRollback(session, dataset, windowKey, toNumber, by, above)),
    recordRollback: (dataset, windowKey, number, toNumber) =>
      write(() => {
        recordRollback(session, dataset, windowKey, number, toNumber)
      }),
    listPublications: (filter) => read(() => listPublications(session, filter)),

    getRun: (runId) => read(() => findRun(session, runId)?.run ?? null),
    findRuns: (prefix, limit) => read(() => reads.findRuns(session, prefix, limit)),
    listRuns: (filter) => read(() => reads.listRuns(session, filter)),
    listSteps: (runId) => read(() => reads.listSteps(session, runId)),
    listTasks: (runId, filter) => read(() => reads.listTasks(session, runId, filter)),
    stepOutput: (runId, step) => read(() => reads.stepOutput(session, runId, step)),
    listSnapshots: (runId) => read(() => reads.listSnapshots(session, runId)),
    listEvents: (filter) => read(() => listEvents(session, filter)),
    countEvents: (runId) => read(() => countEvents(session, runId)),
    listAttempts: (runId, filter) => read(() => listAttempts(session, runId, filter)),
    totalAttempts: (runIds) => read(() => totalAttempts(session, runIds)),
    runActivity: (runId, span) => read(() => runActivity(session, runId, span)),
    nextDue: (runs) => read(() => reads.nextDue(session, runs)),
    referencedParts: (runId) => read(() => reads.referencedParts(session, runId)),

    now: () => Promise.resolve(Math.floor(clock.now())),
    waitForChange: (ms, signal) => changes.wait(ms, signal),
    async close() {
      await writer.end()
      changes.end()
      session.close()
    },
  }
}
