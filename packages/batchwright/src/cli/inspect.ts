/** `--inspect` and `--inspect-brk`: opens the process to a debugger, and says what is different while one may be there. */
import { once } from 'node:events'
import inspector from 'node:inspector'
import { createServer } from 'node:net'
import { usageError } from './failure.ts'

/** As Node's own option: `PORT`, `HOST:PORT`; true where neither is given. */
export interface InspectOptions {
  readonly inspect?: string | true
  /** Waits for a debugger before anything runs, and stops at the first call of the job's own code. */
  readonly inspectBrk?: string | true
}

interface Address {
  readonly host: string
  readonly port: number
}

/** Node's own defaults. */
const DEFAULT: Address = { host: '127.0.0.1', port: 9229 }

/** Here, and not by whoever started this process. */
let opened = false

/**
 * Opens the inspector where the options ask for it, and with `--inspect-brk` waits for a debugger. Node says on stderr where
 * it listens. Throws INSPECT_PORT_INVALID, INSPECT_PORT_IN_USE.
 */
export async function openInspector(options: InspectOptions): Promise<void> {
  const asked = options.inspectBrk ?? options.inspect
  if (asked === undefined) return
  if (inspector.url() === undefined) await open(asked === true ? DEFAULT : readAddress(asked))
  if (options.inspectBrk !== undefined) waitForDebugger()
}

/** Whether a debugger may hold this process: asked for here, or opened by whoever started it. */
export function isInspected(): boolean {
  return inspector.url() !== undefined
}

/** Stands still until a debugger is attached and lets go. One that started this process is attached already. */
export function waitForDebugger(): void {
  if (!opened) return
  process.stderr.write('waiting for a debugger: attach your editor, or open chrome://inspect\n')
  inspector.waitForDebugger()
}

async function open(address: Address): Promise<void> {
  await refuseUsed(address)
  inspector.open(address.port, address.host)
  // Node only prints where it fails: the port was taken between the two.
  if (inspector.url() === undefined) throw inUse(address)
  opened = true
  // Lets go of whoever is attached: the process would wait for them to leave before it ends.
  process.once('exit', () => {
    inspector.close()
  })
}

function readAddress(text: string): Address {
  const [, host, port] = /^(?:(.+):)?(\d+)$/.exec(text) ?? []
  const number = Number(port)
  if (port !== undefined && number <= 65_535) return { host: host ?? DEFAULT.host, port: number }
  throw usageError({
    code: 'INSPECT_PORT_INVALID',
    message: `expected a port (0 to 65535) or host:port for the debugger, found ${JSON.stringify(text)}`,
    hint: 'for example --inspect, --inspect=9230 or --inspect-brk=127.0.0.1:9230; port 0 takes a free one',
    details: { given: text },
  })
}

async function refuseUsed(address: Address): Promise<void> {
  const { host, port } = address
  const probe = createServer()
  try {
    await once(probe.listen({ host, port }), 'listening')
  } catch (thrown) {
    if (!(thrown instanceof Error) || !('code' in thrown)) throw thrown
    if (thrown.code === 'EADDRINUSE') throw inUse(address)
    throw usageError({
      code: 'INSPECT_PORT_INVALID',
      message: `the debugger cannot listen on ${host}:${port}: ${thrown.message}`,
      hint: 'choose another with --inspect=PORT',
      details: { host, port },
      cause: thrown,
    })
  } finally {
    probe.close()
  }
}

function inUse({ host, port }: Address): Error {
  return usageError({
    code: 'INSPECT_PORT_IN_USE',
    message: `the debugger cannot listen on ${host}:${port}: another process does`,
    hint: `end that process, or choose another port: --inspect=${port + 1}; --inspect=0 takes a free one`,
    details: { host, port },
  })
}
