import type { HttpAnswer, HttpClient, HttpTarget } from '../../job/index.ts'
import { systemClock } from '../../kernel/clock.ts'
import { BatchwrightError } from '../../kernel/errors.ts'

/** Bytes of an answer that are read; the rest is let go. */
const LARGEST_ANSWER = 65_536
const MOST_REDIRECTS = 5

/** One request, ready to leave. */
export interface HttpMessage {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Sends a request and reads its answer, within the target's time. Throws what the connection throws, HTTP_TIMEOUT, HTTP_REDIRECTED. */
export async function exchange(
  target: HttpTarget,
  client: HttpClient,
  message: HttpMessage,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const late = new AbortController()
  // Real time: what is waited for is out in the world.
  const limit = systemClock.after(
    target.timeoutMs,
    () => {
      late.abort(timedOut(target, message.url))
    },
    { hold: true },
  )
  try {
    return await follow(target, client, message, AbortSignal.any([signal, late.signal]))
  } catch (thrown) {
    throw late.signal.aborted && !signal.aborted ? late.signal.reason : thrown
  } finally {
    limit.stop()
  }
}

/** Redirects that ask for the same request again (307, 308) are followed on the same host: no secret goes to another. */
async function follow(
  target: HttpTarget,
  client: HttpClient,
  message: HttpMessage,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const send = client.fetch ?? fetch
  let { url } = message
  for (let redirects = 0; ; redirects += 1) {
    const response = await send(url, {
      method: target.method,
      headers: { ...message.headers },
      body: message.body,
      redirect: 'manual',
      signal,
    })
    if (response.status !== 307 && response.status !== 308) {
      if (response.status < 300 || response.status >= 400) return await answerOf(response)
      await response.body?.cancel()
      throw redirected(target, url, response)
    }
    await response.body?.cancel()
    const next = URL.parse(response.headers.get('location') ?? '', url)
    if (next === null || next.origin !== new URL(url).origin || redirects >= MOST_REDIRECTS) {
      throw redirected(target, url, response)
    }
    url = next.href
  }
}

async function answerOf(response: Response): Promise<HttpAnswer> {
  return { status: response.status, headers: Object.fromEntries(response.headers), body: await textOf(response) }
}

async function textOf({ body }: Response): Promise<string> {
  if (body === null) return ''
  const pieces: Uint8Array[] = []
  let bytes = 0
  // Leaving the loop lets go of what was not read.
  for await (const piece of body) {
    // Of a response, whatever its type says.
    if (!(piece instanceof Uint8Array)) continue
    pieces.push(piece)
    bytes += piece.length
    if (bytes >= LARGEST_ANSWER) break
  }
  return Buffer.concat(pieces).subarray(0, LARGEST_ANSWER).toString('utf8')
}

/** An address without what may be secret in it. */
export function shownUrl(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}

function timedOut({ method, timeoutMs }: HttpTarget, url: string): BatchwrightError {
  return new BatchwrightError({
    code: 'HTTP_TIMEOUT',
    message: `${method} ${shownUrl(url)}: expected an answer within ${String(timeoutMs)} ms, found none`,
    hint: 'Give it a longer timeout, or send fewer records at once; then `batchwright retry RUN` goes on.',
    retryable: true,
  })
}

function redirected({ method }: HttpTarget, url: string, response: Response): BatchwrightError {
  const to = URL.parse(response.headers.get('location') ?? '', url)
  return new BatchwrightError({
    code: 'HTTP_REDIRECTED',
    message: `${method} ${shownUrl(url)}: expected an answer, found a redirect (${String(response.status)}) to ${to === null ? 'nowhere' : shownUrl(to.href)}`,
    hint: 'Send to that address itself. Only 307 and 308 to the same host are followed: headers with secrets go to no other.',
    details: { status: response.status },
  })
}

/** Milliseconds that a `Retry-After` asks for, seconds or a date; null where there is none that can be read. */
export function retryAfterMs(header: string | undefined, now: number, longestMs: number): number | null {
  if (header === undefined) return null
  const text = header.trim()
  const at = /^\d+$/.test(text) ? now + Number(text) * 1000 : Date.parse(text)
  if (!Number.isFinite(at)) return null
  return Math.min(longestMs, Math.max(0, at - now))
}
