import {
  Agent,
  createServer,
  request as send,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { seededRandom } from '#domain/seeded-random.ts'

/**
 * What can go wrong between a client and its server.
 *
 * `cut`: the connection ends and the server never hears of it. `late`: the connection ends, and the request takes effect
 * some time after. `lost`: the server does it and its answer never arrives. `truncated`: its answer breaks off.
 * `delayed`: it comes late. `echoed`: it comes twice, so that the connection has an answer too many. `error`: a gateway's
 * 502 in its place, after the server did it. `failed`: 500 before. `busy`: 429 with `Retry-After`. `unauthorised`: 401.
 */
export const faults = [
  'cut',
  'late',
  'lost',
  'truncated',
  'delayed',
  'echoed',
  'error',
  'failed',
  'busy',
  'unauthorised',
] as const
export type Fault = (typeof faults)[number]

/** How often each happens, from 0 to 1; what is not named does not. Their sum is at most 1. */
export type FaultRates = Partial<Readonly<Record<Fault, number>>>

export interface FaultProxyOptions {
  /** The server behind it, as `http://127.0.0.1:N`. */
  readonly target: string
  /** The same seed gives the same faults to the same order of requests. */
  readonly seed: number
  readonly rates: FaultRates
  /** How long an answer is delayed and how late a late request takes effect, at most; 1 s unless given. */
  readonly maxDelayMs?: number
  /** Makes the server one that ignores `Idempotency-Key`: the header goes no further, and no document promises it. */
  readonly ignoresKeys?: boolean
}

/** A server in front of another one that lets things go wrong. */
export interface FaultProxy {
  readonly url: string
  /** How often each fault has happened. */
  readonly counts: Readonly<Record<Fault, number>>
  /** From now on these. */
  setRates(rates: FaultRates): void
  /** Ends all connections; what is late takes effect before it resolves. */
  close(): Promise<void>
}

interface Answer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: Buffer
}

/** Starts the proxy on a free port of this machine. */
export async function createFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const random = seededRandom(options.seed)
  const maxDelayMs = options.maxDelayMs ?? 1_000
  const target = new URL(options.target)
  const agent = new Agent({ keepAlive: true })
  const counts = Object.fromEntries(faults.map((fault) => [fault, 0])) as Record<Fault, number>
  const pending = new Set<Promise<unknown>>()
  let rates = options.rates

  const draw = (): Fault | null => {
    let left = random()
    for (const fault of faults) {
      left -= rates[fault] ?? 0
      if (left < 0) return fault
    }
    return null
  }

  const forward = (message: IncomingMessage, body: Buffer): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const headers: Record<string, unknown> = {
        ...message.headers,
        host: target.host,
        'content-length': String(body.length),
      }
      delete headers['transfer-encoding']
      if (options.ignoresKeys === true) delete headers['idempotency-key']
      if (body.length === 0 && message.method === 'GET') delete headers['content-length']
      const outgoing = send(
        {
          host: target.hostname,
          port: target.port,
          method: message.method,
          path: message.url,
          headers: headers as OutgoingHttpHeaders,
          agent,
        },
        (incoming) => {
          const pieces: Buffer[] = []
          incoming.on('data', (piece: Buffer) => pieces.push(piece))
          incoming.on('error', reject)
          incoming.on('end', () =>
            resolve({
              status: incoming.statusCode ?? 502,
              headers: passedOn(incoming.headers),
              body: Buffer.concat(pieces),
            }),
          )
        },
      )
      outgoing.on('error', reject)
      outgoing.end(body)
    })

  const serve = async (message: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> => {
    if (options.ignoresKeys === true && message.url?.endsWith('/openapi.json') === true) {
      return say(response, problem(404, 'There is nothing at this path.'))
    }
    const fault = draw()
    if (fault !== null) counts[fault] += 1
    switch (fault) {
      case 'cut':
        return void response.destroy()
      case 'late':
        response.destroy()
        await wait(random() * maxDelayMs)
        return void (await forward(message, body))
      case 'failed':
        return say(response, problem(500, 'The server failed.'))
      case 'busy':
        return say(response, problem(429, 'Too many requests.', { 'retry-after': '1' }))
      case 'unauthorised':
        return say(response, problem(401, 'The key is not known here.'))
      default:
    }
    const answer = await forward(message, body)
    switch (fault) {
      case 'lost':
        return void response.destroy()
      case 'truncated':
        response.writeHead(answer.status, { ...answer.headers, 'content-length': String(answer.body.length + 1) })
        response.write(answer.body.subarray(0, Math.floor(random() * answer.body.length)), () => response.destroy())
        return
      case 'delayed':
        await wait(random() * maxDelayMs)
        return say(response, answer)
      case 'error':
        return say(response, problem(502, 'The gateway has no answer.'))
      case 'echoed': {
        const { socket } = response
        say(response, answer)
        response.once('finish', () => socket?.write(asBytes(answer)))
        return
      }
      default:
        return say(response, answer)
    }
  }

  /** A stream of events has no end to wait for: it goes through as it comes, until either side ends it. */
  const stream = (message: IncomingMessage, response: ServerResponse): void => {
    const headers = { ...message.headers, host: target.host }
    const outgoing = send(
      { host: target.hostname, port: target.port, method: 'GET', path: message.url, headers },
      (incoming) => {
        response.writeHead(incoming.statusCode ?? 502, passedOn(incoming.headers))
        incoming.pipe(response)
        incoming.on('error', () => response.destroy())
      },
    )
    outgoing.on('error', () => response.destroy())
    response.on('close', () => outgoing.destroy())
    outgoing.end()
  }

  const server = createServer((message, response) => {
    if (message.headers.accept?.includes('text/event-stream') === true) return stream(message, response)
    const pieces: Buffer[] = []
    message.on('error', () => undefined)
    message.on('data', (piece: Buffer) => pieces.push(piece))
    message.on('end', () => {
      const work = serve(message, response, Buffer.concat(pieces))
        // The server behind is not there: neither is this one.
        .catch(() => response.destroy())
        .finally(() => pending.delete(work))
      pending.add(work)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    setRates(next) {
      rates = next
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await Promise.allSettled(pending)
      await closed
      agent.destroy()
    },
  }
}

function say(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, { ...answer.headers, 'content-length': String(answer.body.length) })
  response.end(answer.body)
}

/** An answer as it goes over the wire. */
function asBytes(answer: Answer): Buffer {
  const lines = Object.entries({ ...answer.headers, 'content-length': String(answer.body.length) })
  const head = `HTTP/1.1 ${answer.status} Again\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
  return Buffer.concat([Buffer.from(head), answer.body])
}

function passedOn(headers: IncomingMessage['headers']): Record<string, string> {
  const own = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length'])
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      own.has(name) || value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  )
}

function problem(status: number, detail: string, headers: Record<string, string> = {}): Answer {
  const body = Buffer.from(JSON.stringify({ title: detail, status, detail, error_code: `http_${status}` }))
  return { status, headers: { 'content-type': 'application/problem+json', ...headers }, body }
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
