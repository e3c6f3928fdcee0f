/**
 * The entry of the process that looks at a job: the job's code may loop, exit or leak there. It says `ready`, takes one
 * request, sends one report, and ends.
 */
import { systemClock } from '../../kernel/clock.ts'
import { reportError } from '../../kernel/errors.ts'
import { systemRandom } from '../../kernel/random.ts'
import type { FromPass, PassRequest } from './contract.ts'
import { makePass } from './pass.ts'

process.setSourceMapsEnabled(true)

function send(message: FromPass): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(message, undefined, undefined, (error) => {
      if (error === null) resolve()
      else reject(error)
    })
  })
}

async function answer(request: PassRequest): Promise<void> {
  const onStep = (step: string): void => {
    // The one who asked may be gone: then this process ends with the channel.
    send({ kind: 'step', step }).catch(() => undefined)
  }
  try {
    const report = await makePass(request, { clock: systemClock, random: systemRandom, onStep })
    await send({ kind: 'report', report })
  } catch (thrown) {
    await send({ kind: 'failed', error: reportError(thrown) })
  }
}

process.on('disconnect', () => {
  process.exit(1)
})
process.once('message', (request: PassRequest) => {
  // Timers and connections that the job's code has left open do not hold the answer up.
  answer(request).then(
    () => process.exit(0),
    () => process.exit(1),
  )
})
await send({ kind: 'ready' })
