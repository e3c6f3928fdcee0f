import { loadPeer, type HandleJob, type JobData, type Peer, type PeerSettings } from './peer.ts'

interface Queue {
  waitUntilReady(): Promise<unknown>
  add(name: string, data: JobData): Promise<unknown>
  addBulk(jobs: readonly { readonly name: string; readonly data: JobData }[]): Promise<unknown>
  close(): Promise<void>
}

interface Worker {
  waitUntilReady(): Promise<unknown>
  on(event: 'error', listener: (error: unknown) => void): void
  close(): Promise<void>
}

interface BullMq {
  readonly withBackend: (backend: unknown) => {
    Queue: new (name: string, options: object) => Queue
    Worker: new (name: string, handler: (job: { readonly data: JobData }) => Promise<void>, options: object) => Worker
  }
  createPostgresBackend: unknown
}

const QUEUE = 'jobs'
const CONCURRENCY: Readonly<Record<PeerSettings, number>> = { tuned: 100, defaults: 10 }

async function classes() {
  const { withBackend, createPostgresBackend } = await loadPeer<BullMq>('bullmq')
  return withBackend(createPostgresBackend)
}

async function openQueue(url: string): Promise<Queue> {
  const { Queue } = await classes()
  const queue = new Queue(QUEUE, { connection: { connectionString: url, migrate: true } })
  await queue.waitUntilReady()
  return queue
}

async function openWorker(url: string, settings: PeerSettings, handle: HandleJob): Promise<Worker> {
  const { Worker } = await classes()
  const worker = new Worker(
    QUEUE,
    async ({ data }) => {
      await handle(data)
    },
    { connection: { connectionString: url }, concurrency: CONCURRENCY[settings] },
  )
  worker.on('error', (error) => {
    console.error(error)
  })
  await worker.waitUntilReady()
  return worker
}

export const bullMq: Peer = {
  name: 'BullMQ on PostgreSQL',
  package: 'bullmq',
  words: { tuned: 'concurrency 100', defaults: 'concurrency 10' },
  async prepare(url) {
    const queue = await openQueue(url)
    await queue.close()
  },
  async produce(url) {
    const queue = await openQueue(url)
    return {
      async addMany(from, count) {
        await queue.addBulk(Array.from({ length: count }, (_, at) => ({ name: 'job', data: { n: from + at } })))
      },
      async addOne(n) {
        await queue.add('job', { n })
      },
      close: () => queue.close(),
    }
  },
  async work(url, settings, handle) {
    const worker = await openWorker(url, settings, handle)
    return { close: () => worker.close() }
  },
}
