/** Code that takes its slot down: the attempt fails and says how; the command line lives, and keeps what the others did. */
import { describe, expect, test } from 'vitest'
import {
  expectTold,
  INPUT,
  lastRun,
  orders,
  ordersJob,
  project,
  publishedBytes,
  publishedFiles,
  RUN,
  succeeded,
} from '../harness/project.ts'

const POLICIES = `.partition('rows', { size: 100 }).retry({ attempts: 2, backoff: { first: '10ms' } }).timeout('5s')`

/** Strikes at one record of the last of three partitions, for as long as the file \`armed\` lies in the project. */
function striking(strike: string): string {
  return `(order) => {
    if (order.id === 'o290' && existsSync(process.env.ARMED ?? '')) { ${strike} }
    return order
  }`
}

const DEATHS = [
  [
    'runs out of memory',
    `const all = []; for (;;) all.push(new Array(100_000).fill(all.length))`,
    'SLOT_DIED',
    'it ran out of memory',
  ],
  ['calls process.exit', 'process.exit(0)', 'SLOT_DIED', "the step's code called process.exit(0)"],
  [
    'throws outside every promise',
    `setTimeout(() => { throw new Error('loose') }); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50); return new Promise(() => {})`,
    'SLOT_DIED',
    'loose',
  ],
  ['loops for ever', 'for (;;) ;', 'ATTEMPT_TIMEOUT', 'to end within 1500 ms'],
  ['never answers', 'return new Promise(() => {})', 'ATTEMPT_TIMEOUT', 'to end within 1500 ms'],
] as const

describe('a step whose code', () => {
  test.each(DEATHS)(
    '%s fails its attempts and says how; mended, the run goes on with the rest',
    async (_, strike, code, how) => {
      const policies = code === 'ATTEMPT_TIMEOUT' ? POLICIES.replace('5s', '1500ms') : POLICIES
      const job = ordersJob({ process: striking(strike), policies, before: `import { existsSync } from 'node:fs'` })
      const made = project({ 'jobs/orders.ts': job, [INPUT]: orders(300), armed: '' })
      const failed = await made.start(RUN, { ARMED: 'armed' }).finished
      expect(failed).toMatchObject({ code: 1, signal: null })
      expectTold(failed, ['clean, partition 2', how, /hint {2}\S/, code])
      const run = await lastRun(made)
      expect(run).toMatchObject({ state: 'failed', failure: { code, step: 'clean', index: 2 } })
      expect(run.steps).toMatchObject([{ partitions: 3, partitionsDone: 2, read: 200, retries: 1 }])
      expect(publishedFiles(made)).toEqual([])

      const again = succeeded(await made.cli(...RUN))
      expect(again.stderr).toContain('going on from its checkpoints')
      const undisturbed = project({ 'jobs/orders.ts': ordersJob({ policies }), [INPUT]: orders(300) })
      succeeded(await undisturbed.cli(...RUN))
      expect(publishedBytes(made)).toEqual(publishedBytes(undisturbed))
    },
  )
})
