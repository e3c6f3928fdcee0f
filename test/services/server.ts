import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as it came in. */
export interface Arrival {
  readonly key: string
  readonly body: unknown
  /** When it left, by the host's monotonic clock, nanoseconds: what the sender wrote into a header, where it did. */
  readonly left: bigint | null
  readonly headers: IncomingMessage['headers']
}

export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** The connection is cut instead of an answer. */
  readonly cut?: boolean
}

/** A real server on this machine, which keeps what came and answers as it is told. */
export class RecordingServer implements AsyncDisposable {
  readonly arrivals: Arrival[] = []
  readonly #reply: (arrival: Arrival, number: number) => Reply
  #server: Server
  #port = 0

  private constructor(reply: (arrival: Arrival, number: number) => Reply) {
    this.#reply = reply
    this.#server = this.#make()
  }

  static async start(
    reply: (arrival: Arrival, number: number) => Reply = () => ({ status: 204 }),
  ): Promise<RecordingServer> {
    const server = new RecordingServer(reply)
    await server.up()
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.#port)}`
  }

  /** Keys in the order of arrival, each once. */
  get keys(): readonly string[] {
    return [...new Set(this.arrivals.map(({ key }) => key))]
  }

  /** Takes connections, on the same port as before. */
  async up(): Promise<void> {
    this.#server = this.#make()
    await new Promise<void>((resolve) => {
      this.#server.listen(this.#port, '127.0.0.1', resolve)
    })
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- a TCP server has no other kind of address
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** Dies: connections are cut, new ones refused. */
  async down(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve()
      })
    })
    this.#server.closeAllConnections()
    await closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down()
  }

  #make(): Server {
    return createServer((request, response) => {
      const pieces: Buffer[] = []
      request.on('data', (piece: Buffer) => pieces.push(piece))
      request.on('end', () => {
        this.#answer(request, response, Buffer.concat(pieces).toString('utf8'))
      })
    })
  }

  #answer(request: IncomingMessage, response: ServerResponse, text: string): void {
    const { headers } = request
    const left = headers['x-left']
    const arrival: Arrival = {
      key: String(headers['idempotency-key'] ?? ''),
      body: text === '' ? null : JSON.parse(text),
      left: typeof left === 'string' ? BigInt(left) : null,
      headers,
    }
    this.arrivals.push(arrival)
    const reply = this.#reply(arrival, this.arrivals.length)
    if (reply.cut === true) {
      request.socket.destroy()
      return
    }
    response.writeHead(reply.status, reply.headers)
    response.end(reply.body ?? '')
  }
}
