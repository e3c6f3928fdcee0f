/** Several workers that have nothing to do, each with a store and a heartbeat thread of its own, as in a process of its own. */
import path from 'node:path'
import { Coordinator, Worker } from '../../packages/batchwright/src/engine/index.ts'
import { threadExecutor } from '../../packages/batchwright/src/executors/index.ts'
import { systemClock } from '../../packages/batchwright/src/kernel/clock.ts'
import { systemRandom } from '../../packages/batchwright/src/kernel/random.ts'
import { openStore } from '../../packages/batchwright/src/store/index.ts'

// eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- the benchmark is its only caller
const { folder, url, workers } = JSON.parse(process.argv[2] ?? '') as { folder: string; url: string; workers: number }
const address = { kind: 'postgres', url } as const

for (let index = 0; index < workers; index += 1) {
  const store = await openStore(address, { clock: systemClock })
  const registered = Promise.withResolvers<undefined>()
  const worker = new Worker({
    store,
    executors: [threadExecutor()],
    describe: () => Promise.reject(new Error('expected nothing to do')),
    folders: { project: folder, state: path.join(folder, '.batchwright') },
    slots: 2,
    heartbeat: { kind: 'thread', store: address },
    // As the command line sets them for PostgreSQL.
    pollMs: 5_000,
    reapEveryMs: 2_000,
    hooks: {
      registered: () => {
        registered.resolve(undefined)
      },
    },
  })
  void worker.run()
  const holder = `${process.pid}-${index}`
  void new Coordinator({ store, duties: [], holder, clock: systemClock, random: systemRandom }).run()
  await registered.promise
}
process.send?.('registered')
