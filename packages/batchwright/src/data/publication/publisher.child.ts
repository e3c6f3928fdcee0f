/** A publisher in a process of its own, for the tests of races, pauses and crashes: its work is its argument, as JSON. */
import { existsSync, writeFileSync } from 'node:fs'
import { systemClock } from '../../kernel/clock.ts'
import { BatchwrightError } from '../../kernel/errors.ts'
import { armFailPoint } from '../../kernel/failpoint.ts'
import { publishIntent, type PublishRequest } from './publish.ts'

/** `startAt`: a file that all racers wait for. `pause`: stands still before the manifest is made until `resume` is there. */
export interface PublisherWork {
  readonly publish: PublishRequest
  readonly startAt: string | null
  readonly pause: { readonly reached: string; readonly resume: string } | null
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- written by the test beside it
const work = JSON.parse(process.argv[2] ?? '') as PublisherWork
const { startAt, pause } = work
while (startAt !== null && !existsSync(startAt)) await systemClock.sleep(1)
if (pause !== null) {
  armFailPoint('publish.linked', 1, () => {
    writeFileSync(pause.reached, '')
    const never = new Int32Array(new SharedArrayBuffer(4))
    while (!existsSync(pause.resume)) Atomics.wait(never, 0, 0, 1)
  })
}
try {
  process.stdout.write(`published ${(await publishIntent(work.publish)).number}`)
} catch (thrown) {
  process.stdout.write(thrown instanceof BatchwrightError ? thrown.code : String(thrown))
}
