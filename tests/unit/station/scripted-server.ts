import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** One request as it arrived. */
export interface Arrived {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly json: Record<string, unknown>
}

/** What to say; `cut` closes the connection without an answer. */
export type Said =
  | { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> }
  | 'cut'
  | 'silence'

export interface ScriptedServer {
  readonly url: string
  readonly requests: readonly Arrived[]
  close(): Promise<void>
}

/** A real HTTP server that says what the test says. `port` 0 is any free one. */
export async function startServer(
  answer: (request: Arrived, response: ServerResponse) => Said | Promise<Said>,
  port = 0,
): Promise<ScriptedServer> {
  const requests: Arrived[] = []
  const server = createServer((message, response) => {
    const pieces: Buffer[] = []
    message.on('error', () => undefined)
    message.on('data', (piece: Buffer) => pieces.push(piece))
    message.on('end', () => {
      const body = Buffer.concat(pieces).toString()
      const arrived: Arrived = {
        method: message.method ?? '',
        path: message.url ?? '',
        headers: message.headers,
        body,
        json: parse(body),
      }
      requests.push(arrived)
      void Promise.resolve(answer(arrived, response)).then((said) => {
        if (said === 'silence' || response.writableEnded) return
        if (said === 'cut') return void response.destroy()
        response.writeHead(said.status, { 'content-type': 'application/json', ...said.headers })
        response.end(
          typeof said.body === 'string' ? said.body : said.body === undefined ? '' : JSON.stringify(said.body),
        )
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  onTestFinished(close)
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, close }
}

function parse(body: string): Record<string, unknown> {
  try {
    return JSON.parse(body) as Record<string, unknown>
  } catch {
    return {}
  }
}
