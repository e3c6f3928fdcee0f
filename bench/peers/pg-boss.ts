import { loadPeer, type JobData, type Peer, type PeerSettings } from './peer.ts'

interface Boss {
  on(event: 'error', listener: (error: unknown) => void): void
  start(): Promise<unknown>
  stop(options: object): Promise<void>
  createQueue(name: string, options: object): Promise<void>
  send(name: string, data: JobData): Promise<unknown>
  insert(name: string, jobs: readonly { readonly data: JobData }[]): Promise<unknown>
  work(
    name: string,
    options: object,
    handler: (jobs: readonly { readonly data: JobData }[]) => Promise<void>,
  ): Promise<unknown>
}

interface PgBossModule {
  PgBoss: new (options: object) => Boss
}

const QUEUE = 'jobs'

const OPTIONS: Readonly<Record<PeerSettings, object>> = {
  tuned: { batchSize: 500, localConcurrency: 4, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 },
  defaults: { localConcurrency: 10 },
}

async function open(url: string): Promise<Boss> {
  const { PgBoss } = await loadPeer<PgBossModule>('pg-boss')
  const boss = new PgBoss({ connectionString: url, useListenNotify: true })
  boss.on('error', (error) => {
    console.error(error)
  })
  await boss.start()
  return boss
}

const close = (boss: Boss): Promise<void> => boss.stop({ graceful: true, close: true, timeout: 30_000 })

export const pgBoss: Peer = {
  name: 'pg-boss',
  package: 'pg-boss',
  words: {
    tuned: 'batchSize 500 x localConcurrency 4, burstWhenBatchFull, notify',
    defaults: 'localConcurrency 10, notify',
  },
  async prepare(url) {
    const boss = await open(url)
    await boss.createQueue(QUEUE, { notify: true })
    await close(boss)
  },
  async produce(url) {
    const boss = await open(url)
    return {
      async addMany(from, count) {
        await boss.insert(
          QUEUE,
          Array.from({ length: count }, (_, at) => ({ data: { n: from + at } })),
        )
      },
      async addOne(n) {
        await boss.send(QUEUE, { n })
      },
      close: () => close(boss),
    }
  },
  async work(url, settings, handle) {
    const boss = await open(url)
    await boss.work(QUEUE, OPTIONS[settings], async (jobs) => {
      for (const { data } of jobs) await handle(data)
    })
    return { close: () => close(boss) }
  },
}
