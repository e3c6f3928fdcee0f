import { bullMq } from './bullmq.ts'
import { graphileWorker } from './graphile-worker.ts'
import type { Peer } from './peer.ts'
import { pgBoss } from './pg-boss.ts'

export const PEERS: readonly Peer[] = [graphileWorker, pgBoss, bullMq]
