import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha256 } from '../../kernel/digest.ts'
import type { Assignment, Checkpoint, Folders, PartitionAssignment } from '../../protocol/index.ts'
import type { ArtifactRef } from '../../protocol/index.ts'

/** User code as slots meet it: a bundle that takes the library from the process. One step for each behaviour. */
const SOURCE = `
const { job, service } = globalThis[Symbol.for('batchwright.library')]
let loads = 0
globalThis.conformanceLoads = (globalThis.conformanceLoads ?? 0) + 1
const until = (signal) => new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

const heard = []
const phone = service('phone', {
  secrets: ['CONFORMANCE_SECRET'],
  open: ({ secrets }) => {
    heard.push('opened')
    return { number: secrets.CONFORMANCE_SECRET }
  },
  close: async () => {
    const { appendFileSync } = await import('node:fs')
    appendFileSync(process.env.CONFORMANCE_CLOSED, heard.join(' ') + ' closed;')
  },
})

const stuck = service('stuck', { open: () => 1, close: () => new Promise(() => setInterval(() => undefined, 1000)) })

export default job('conformance', {}, (steps) => {
  steps.function('answer', (context) => ({ six: 6, logical: context.logicalTime, loads: globalThis.conformanceLoads }))
  steps.function('throws', () => { throw Object.assign(new Error('no luck'), { code: 'OUT_OF_LUCK' }) })
  steps.function('saves', async (context) => {
    const from = context.progress ?? 0
    for (let at = from + 1; at <= 3; at += 1) await context.save(at, at / 3)
    return { from, loads }
  })
  steps.function('saves-for-ever', async (context) => {
    for (let at = 1; ; at += 1) { await context.save(at); await pause(1) }
  })
  steps.function('waits', async (context) => { await until(context.signal) })
  steps.function('logs', async (context) => {
    for (let line = 0; line < 1000; line += 1) context.log('info', 'line ' + line, { line })
  })
  steps.function('chatters', async (context) => {
    for (let at = 1; at <= 300; at += 1) await context.save(at, at / 300)
  })
  steps.function('prints', async () => { console.log('to whom it may concern'); await pause(50) })
  steps.function('exits', async () => { process.exit(7) })
  steps.function('throws-aside', async () => { setTimeout(() => { throw new Error('aside') }, 1); await pause(60000) })
  steps.function('rejects-aside', async () => { Promise.reject(new Error('nobody awaits me')); await pause(60000) })
  steps.function('eats', async () => { const eaten = []; for (;;) eaten.push(new Array(100000).fill(eaten.length)) })
  const items = {
    give: ({ index }) => 'give ' + index,
    wait: async ({ index }) => { await pause(1); return 'wait ' + index },
    throw: () => { throw Object.assign(new Error('no luck'), { code: 'OUT_OF_LUCK' }) },
    reject: async () => { await pause(1); throw Object.assign(new Error('no luck'), { code: 'OUT_OF_LUCK' }) },
    save: async ({ save }) => { await save('half'); return 'saved' },
    progress: ({ progress }) => progress,
    log: ({ log, index }) => log('info', 'line of ' + index),
    'until-stopped': ({ signal }) => until(signal),
    exit: () => process.exit(7),
    spin: () => { for (;;) {} },
  }
  steps.function('items', { each: Object.keys(items) }, (context) => items[context.item](context))
  steps.function('lingers', () => { setInterval(() => undefined, 1000); return 'done' })
  steps.function('calls', { use: { phone } }, ({ use }) => { heard.push('called'); return use.phone.number.length })
  steps.function('fails-calling', { use: { phone } }, ({ use, log }) => {
    log('info', 'calling ' + use.phone.number, { number: use.phone.number })
    throw new Error('no answer from ' + use.phone.number)
  })
  steps.function('tells', { use: { phone } }, ({ use }) => ({ url: 'tel:' + encodeURIComponent(use.phone.number) }))
  steps.function('prints-secret', { use: { phone } }, async ({ use }) => { console.log('dialling ' + use.phone.number); await pause(50) })
  steps.function('dies-calling', { use: { phone } }, async ({ use }) => {
    setTimeout(() => { throw new Error('cut off from ' + use.phone.number) }, 1); await pause(60000)
  })
  steps.function('holds-on', { use: { stuck } }, () => 'done')
  steps.function('spins', () => { for (;;) {} })
  steps.function('crashes', async () => { process.kill(process.pid, 'SIGSEGV'); await pause(60000) })
  steps.function('hoards', async () => {
    const hoard = []
    for (;;) { hoard.push(Buffer.alloc(8000000, 1)); await pause(1) }
  })
  // One in its group, one in a group of its own, and one whose parent has gone.
  const start = async (context) => {
    const { spawn } = await import('node:child_process')
    const sleeper = 'console.log(process.pid); setInterval(() => undefined, 1000)'
    const between = 'const { spawn } = require("node:child_process"); spawn(process.execPath, ["-e", process.argv[1]], { stdio: "inherit", detached: true }).unref()'
    const options = { stdio: ['ignore', 'pipe', 'ignore'] }
    const children = [
      spawn(process.execPath, ['-e', sleeper], options),
      spawn(process.execPath, ['-e', sleeper], { ...options, detached: true }),
      spawn(process.execPath, ['-e', between, sleeper], options),
    ]
    const first = (child) => new Promise((resolve) => child.stdout.once('data', (line) => resolve(Number(line))))
    await context.save([process.pid, ...(await Promise.all(children.map(first)))])
  }
  steps.function('starts', async (context) => { await start(context); await pause(60000) })
  steps.function('leaves', start)
  steps.function('saves-and-spins', async (context) => { await context.save([process.pid]); for (;;) {} })
  steps.function('forks', async (context) => {
    const { spawn } = await import('node:child_process')
    spawn('sh', ['-c', 'bomb() { sleep 0.05; if [ $1 -gt 0 ]; then bomb $(($1 - 1)) & bomb $(($1 - 1)) & fi; sleep 60; wait; }; bomb 6'], { stdio: 'ignore' })
    await pause(200)
    await context.save([process.pid])
    await pause(60000)
  })
})
`

/** Writes the artifact to a folder of its own. */
export async function writeArtifact(): Promise<ArtifactRef> {
  const folder = await mkdtemp(join(tmpdir(), 'batchwright-slot-'))
  const codeVersion = sha256(SOURCE)
  const path = join(folder, `${codeVersion}.mjs`)
  await writeFile(path, SOURCE)
  return { codeVersion, path }
}

const FOLDERS: Folders = { project: tmpdir(), state: tmpdir(), run: tmpdir() }

/** The one partition of a function step. */
export function assignment(
  artifact: ArtifactRef,
  step: string,
  checkpoint: Checkpoint | null = null,
): PartitionAssignment {
  return {
    ...baseOf(artifact, step),
    kind: 'partition',
    partition: { index: 0, payload: null, label: step, records: null, bytes: null },
    checkpoint,
  }
}

/** The plan of the same step. */
export function planAssignment(artifact: ArtifactRef, step: string): Assignment {
  return { ...baseOf(artifact, step), kind: 'plan', upstream: [], expected: null }
}

function baseOf(artifact: ArtifactRef, step: string): Omit<PartitionAssignment, 'kind' | 'partition' | 'checkpoint'> {
  return {
    ref: { taskId: 1, fence: 1, attempt: 1 },
    run: {
      runId: 'run-1',
      job: 'conformance',
      revision: 1,
      window: null,
      parameters: {},
      logicalTime: '2026-01-01T00:00:00.000Z',
      seed: 1,
    },
    step,
    folders: FOLDERS,
    artifact,
    timeoutMs: null,
  }
}
