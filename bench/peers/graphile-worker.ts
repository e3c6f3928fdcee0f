import { loadPeer, type Peer, type PeerSettings } from './peer.ts'

interface GraphileWorker {
  readonly makeWorkerUtils: (options: object) => Promise<{
    migrate(): Promise<void>
    addJob(task: string, payload: unknown): Promise<unknown>
    addJobs(jobs: readonly { readonly identifier: string; readonly payload: unknown }[]): Promise<unknown>
    release(): Promise<void>
  }>
  readonly run: (options: object) => Promise<{ stop(): Promise<void> }>
  Logger: new (factory: () => () => void) => object
}

const TASK = 'job'
const load = (): Promise<GraphileWorker> => loadPeer('graphile-worker')

/** As its page on performance sets it, on the cores there are: a local queue of 500, completions in batches. */
const PRESETS: Readonly<Record<PeerSettings, object>> = {
  tuned: {
    concurrentJobs: 24,
    maxPoolSize: 25,
    localQueue: { size: 500 },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
  },
  defaults: { concurrentJobs: 10 },
}

export const graphileWorker: Peer = {
  name: 'graphile-worker',
  package: 'graphile-worker',
  words: {
    tuned: 'localQueue 500, completeJobBatchDelay 0, concurrency 24; keeps no row of what is done',
    defaults: 'concurrency 10',
  },
  async prepare(url) {
    const { makeWorkerUtils, Logger } = await load()
    const utils = await makeWorkerUtils({ connectionString: url, logger: new Logger(() => () => undefined) })
    await utils.migrate()
    await utils.release()
  },
  async produce(url) {
    const { makeWorkerUtils, Logger } = await load()
    const utils = await makeWorkerUtils({ connectionString: url, logger: new Logger(() => () => undefined) })
    return {
      async addMany(from, count) {
        await utils.addJobs(Array.from({ length: count }, (_, at) => ({ identifier: TASK, payload: { n: from + at } })))
      },
      async addOne(n) {
        await utils.addJob(TASK, { n })
      },
      close: () => utils.release(),
    }
  },
  async work(url, settings, handle) {
    const { run, Logger } = await load()
    const runner = await run({
      preset: { worker: { connectionString: url, ...PRESETS[settings] } },
      noHandleSignals: true,
      logger: new Logger(() => () => undefined),
      taskList: { [TASK]: handle },
    })
    return { close: () => runner.stop() }
  },
}
