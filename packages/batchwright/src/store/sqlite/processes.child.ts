/** A worker for the tests of several processes: claims partitions, ends them, and says which were acknowledged. */
import { systemClock } from '../../kernel/clock.ts'
import type { TaskOutput } from '../../protocol/index.ts'
import { NO_COUNTERS } from '../../protocol/index.ts'
import { openSqliteStore } from './open.ts'

const [, , path = '', workerId = ''] = process.argv
const store = await openSqliteStore({ path, clock: systemClock })
await store.registerWorker({ workerId, host: 'h', bootId: 'b', pid: process.pid, processStart: '0', leaseMs: 60_000 })
const output: TaskOutput = {
  counters: { ...NO_COUNTERS, read: 1 },
  controls: { amount: '0.01' },
  outputs: {},
  deadLetters: [],
  result: null,
}
for (let number = 0; ; number += 1) {
  const tasks = await store.claim({ workerId, claimId: `${workerId} ${number}`, limit: 10 })
  const work = tasks.filter(({ kind }) => kind === 'partition')
  if (work.length === 0) break
  await Promise.all(
    work.map(async (task) => {
      const [outcome] = await store.finish([{ ...task, end: { kind: 'succeeded', output } }])
      if (outcome === 'done') process.stdout.write(`${task.taskId}\n`)
    }),
  )
}
await store.close()
