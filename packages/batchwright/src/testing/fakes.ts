import type { Service } from '../job/index.ts'
import { BatchwrightError } from '../kernel/errors.ts'

/** A call of one of a fake client’s functions. */
export interface FakeCall {
  readonly name: string
  readonly arguments: readonly unknown[]
  /** What it gave: settled, where it was a promise; undefined where it threw, and until it is settled. */
  readonly result: unknown
  /** What it threw, or what its promise was rejected with; undefined where neither. */
  readonly error: unknown
}

/** Names of a client's functions. */
export type FakeFunctionName<Client> = {
  [Name in keyof Client]: Client[Name] extends (...given: never[]) => unknown ? Name : never
}[keyof Client] &
  string

/** A client that stands in for a service in tests. */
export interface FakeService<Client> {
  /** The service's name: `services: { [fake.name]: fake.client }`. */
  readonly name: string
  /** To hand to the test: `services: { smtp: smtp.client }`. */
  readonly client: Client
  /** Every call so far, in order, those that failed included. */
  readonly calls: readonly FakeCall[]
  /** Calls of one function, in order. */
  callsOf(name: FakeFunctionName<Client>): readonly FakeCall[]
  /**
   * Lets the `call`-th call (from 1) of a function throw; where its own result is a promise, reject. Without `error` it is a
   * passing one (code FAULT_INJECTED, worth a retry).
   */
  failOn(name: FakeFunctionName<Client>, call: number, error?: Error): void
  /** Forgets calls and faults. */
  reset(): void
}

interface Mutable {
  name: string
  arguments: readonly unknown[]
  result: unknown
  error: unknown
}

/**
 * Makes a client for a service out of as much of it as a test needs: its type is the service's own. Calls are recorded, and
 * chosen ones fail. A member that the implementation does not have throws FAKE_INCOMPLETE when it is used.
 */
export function fakeService<Client extends object>(
  service: Service<Client>,
  implementation: NoInfer<Partial<Client>>,
): FakeService<Client> {
  const calls: Mutable[] = []
  const faults: { readonly name: string; readonly call: number; readonly error: Error }[] = []
  const counts = new Map<string, number>()

  const called = (name: string, run: () => unknown, given: readonly unknown[]): unknown => {
    const count = (counts.get(name) ?? 0) + 1
    counts.set(name, count)
    const call: Mutable = { name, arguments: given, result: undefined, error: undefined }
    calls.push(call)
    const fault = faults.find((each) => each.name === name && each.call === count)
    try {
      if (fault !== undefined) throw fault.error
      const result = run()
      if (!(result instanceof Promise)) {
        call.result = result
        return result
      }
      return result.then(
        (value: unknown) => {
          call.result = value
          return value
        },
        (thrown: unknown) => {
          call.error = thrown
          throw thrown
        },
      )
    } catch (thrown) {
      call.error = thrown
      throw thrown
    }
  }

  const client = new Proxy(implementation, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof name === 'symbol') return value
      if (typeof value === 'function') {
        return (...given: readonly unknown[]) =>
          called(name, () => Reflect.apply(value, target, given) as unknown, given)
      }
      // What awaits, prints or compares a client asks for these.
      if (value === undefined && !(name in target) && !ASKED_OF_ANYTHING.has(name)) throw incomplete(service.name, name)
      return value
    },
  })

  return {
    name: service.name,
    // What it does not have of the client throws when it is used.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
    client: client as Client,
    calls,
    callsOf: (name) => calls.filter((call) => call.name === name),
    failOn: (name, call, error) => {
      faults.push({ name, call, error: error ?? injected(service.name, name, call) })
    },
    reset: () => {
      calls.length = 0
      faults.length = 0
      counts.clear()
    },
  }
}

const ASKED_OF_ANYTHING = new Set([
  'then',
  'toJSON',
  'constructor',
  'asymmetricMatch',
  'nodeType',
  'tagName',
  '$$typeof',
])

function incomplete(service: string, name: string): BatchwrightError {
  return new BatchwrightError({
    code: 'FAKE_INCOMPLETE',
    message: `the fake of service ${service} has no ${name}, and it was used`,
    hint: `Give the fake one: fakeService(${service}, { ${name}: ... }).`,
    details: { service, name },
  })
}

function injected(service: string, name: string, call: number): BatchwrightError {
  return new BatchwrightError({
    code: 'FAULT_INJECTED',
    message: `a fault of the test at call ${String(call)} of ${service}.${name}`,
    retryable: true,
    details: { service, name, call },
  })
}
