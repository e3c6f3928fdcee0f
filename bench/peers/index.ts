/**
 * The queues that Batchwright is measured beside, on the same PostgreSQL, in the same run. `installPeers` first: their packages
 * are not dependencies of this repository.
 */
export { installPeers } from './install.ts'
export type { FromPeerWorker } from './messages.ts'
export type { Peer, PeerSettings, Producer } from './peer.ts'
export { peerVersion } from './peer.ts'
export { PEERS } from './peers.ts'
export { startPeerWorker, type PeerWorker, type PeerWorkerOptions } from './start-worker.ts'
