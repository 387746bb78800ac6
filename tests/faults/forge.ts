import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { randomUUID } from 'node:crypto'

/** A server in front of the reference backend that does every fifth capture wrong: a site that is not to be trusted. */
export async function forge(
  backend: { readonly url: string },
  spoil: 'lose' | 'double' | 'fail',
  port: number,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  let submissions = 0
  const pass = async (
    message: IncomingMessage,
    body: Buffer,
    key?: string,
  ): Promise<{ status: number; body: Buffer }> => {
    const headers = Object.fromEntries(
      ['content-type', 'x-api-key', 'idempotency-key'].flatMap((name) => {
        const value = message.headers[name]
        return typeof value === 'string' ? [[name, value]] : []
      }),
    )
    if (key !== undefined) headers['idempotency-key'] = key
    const answer = await fetch(`${backend.url}${message.url}`, {
      method: message.method ?? 'GET',
      headers,
      ...(message.method === 'GET' ? {} : { body: new Uint8Array(body) }),
    })
    return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) }
  }
  const serve = async (message: IncomingMessage, body: Buffer): Promise<{ status: number; body: Buffer }> => {
    const isSubmission = message.method === 'POST' && message.url?.endsWith('/captures') === true
    if (!isSubmission || (submissions += 1) % 5 !== 0) return pass(message, body)
    if (spoil === 'fail') return { status: 503, body: Buffer.from('{"detail":"no"}') }
    const answer = await pass(message, body)
    if (spoil === 'double') await pass(message, body, randomUUID())
    else {
      const { id } = JSON.parse(answer.body.toString()) as { id: string }
      await fetch(`${backend.url}/scanner/api/v1/captures/${id}`, {
        method: 'DELETE',
        headers: { 'x-api-key': String(message.headers['x-api-key']) },
      })
    }
    return answer
  }
  const server = createServer((message, response) => {
    const pieces: Buffer[] = []
    message.on('data', (piece: Buffer) => pieces.push(piece))
    message.on('end', () => {
      serve(message, Buffer.concat(pieces)).then(
        ({ status, body }) => {
          response.writeHead(status, { 'content-type': 'application/json' })
          response.end(status === 204 ? undefined : body)
        },
        () => response.destroy(),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}
