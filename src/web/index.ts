import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import { WebSocketServer } from 'ws'
import { commonHeaders, createPage, type Page } from '#contract/page.ts'
import type { Log } from '#contract/ports.ts'
import type { AppError } from '#contract/result.ts'
import { maxPhotoBytes } from '#contract/station/http.ts'
import { maxMessageBytes, type Transport, transportPath } from '#contract/transport.ts'
import { foreignReason, type Guard, hasToken, redeem } from './guard.ts'
import { serveSocket } from './socket-carrier.ts'

export { createSecretFile, type SecretFile } from './secret-file.ts'

/** What the host needs of a station: its transport, and its answers to requests for bytes. */
export interface HostedStation extends Transport {
  handle(request: Request): Promise<Response>
}

export interface WebHostOptions {
  readonly station: HostedStation
  /** The built window: the folder with index.html. */
  readonly assetsDir: string
  /** 0 for any free port. */
  readonly port: number
  /** The address to listen on; loopback unless a proxy with HTTPS stands before it. */
  readonly host?: string
  /** Further origins windows may come from, as `https://station.example`: those of such a proxy. */
  readonly origins?: readonly string[]
  /** What opens it, as `newToken` makes it; a new one unless given. With the one of an earlier run, windows left open find back. */
  readonly token?: string
  readonly log: Log
}

export interface WebHost {
  /** The address to open, token included: whoever has it has the station. */
  readonly url: string
  readonly port: number
  /** An address that opens one window and then no more, for a command line: everybody on the machine can read those. */
  oneTimeUrl(): string
  /** Ends every connection; the station stays open. */
  close(): Promise<void>
}

/** Serves the window, the station's HTTP paths and the WebSocket transport on one port. */
export async function createWebHost(options: WebHostOptions): Promise<WebHost> {
  const { station, log, host = '127.0.0.1', token = newToken() } = options
  const page = createPage({
    folder: options.assetsDir,
    readFile,
    newNonce: () => randomBytes(16).toString('base64'),
  })
  const listen = getRequestListener((request) => answer(request, station, page), {
    overrideGlobalObjects: false,
    errorHandler: (error) => {
      log.error({ err: error }, 'request failed')
      const fault: AppError = { code: 'internal', message: 'an unexpected fault; the log has the details' }
      return Response.json(fault, { status: 500, headers: commonHeaders })
    },
  })
  const server = createServer((request, response) => {
    if (isAdmitted(request, response, guard, log)) void listen(request, response)
  })
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    clientTracking: true,
  })
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    const reason = upgradeRefusal(request, guard)
    if (reason !== null) {
      log.warn({ reason }, 'upgrade refused')
      stream.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      return
    }
    sockets.handleUpgrade(request, stream, head, (socket) => serveSocket(socket, station, log))
  })

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const { port } = server.address() as AddressInfo
  const names = new Set([host.includes(':') ? `[${host}]` : host, ...(isLoopback(host) ? ['localhost'] : [])])
  const guard: Guard = {
    origins: [...[...names].map((name) => new URL(`http://${name}:${port}`).origin), ...(options.origins ?? [])],
    // Cookies do not know ports: two kiosks on one machine must not take each other's.
    cookieName: `capstan-${port}`,
    token,
    oneTimeTokens: new Set(),
  }
  return {
    url: `${guard.origins[0]}/?token=${token}`,
    port,
    oneTimeUrl() {
      const once = newToken()
      guard.oneTimeTokens.add(once)
      return `${guard.origins[0]}/?token=${once}`
    },
    async close() {
      for (const socket of sockets.clients) socket.terminate()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}

/** Makes a token: 256 random bits. */
export function newToken(): string {
  return randomBytes(32).toString('base64url')
}

/** Lets a request through, or answers it: 403 to foreigners, and the token's exchange for its cookie. */
function isAdmitted(request: IncomingMessage, response: ServerResponse, guard: Guard, log: Log): boolean {
  const refuse = (status: number, reason: string): false => {
    log.warn({ reason, method: request.method }, 'request refused')
    response.writeHead(status, { ...commonHeaders, 'content-type': 'text/plain; charset=utf-8', connection: 'close' })
    response.end(`${reason}\n`)
    return false
  }
  const method = request.method ?? ''
  const url = requestUrl(request)
  if (url === null) return refuse(400, 'bad address')
  const offered = url.pathname === '/' && method === 'GET' ? url.searchParams.get('token') : null

  const foreign = foreignReason(guard, { method, headers: request.headers })
  if (foreign !== null) return refuse(403, foreign)
  if (offered !== null && redeem(guard, offered)) {
    response.writeHead(303, {
      ...commonHeaders,
      location: '/',
      'cache-control': 'no-store',
      'set-cookie': `${guard.cookieName}=${guard.token}; Path=/; HttpOnly; SameSite=Strict`,
    })
    response.end()
    return false
  }
  if (!hasToken(guard, request.headers)) return refuse(403, 'open the address that the station printed, with its token')
  if (Number(request.headers['content-length'] ?? 0) > maxPhotoBytes) return refuse(413, 'the body is too large')
  return true
}

function upgradeRefusal(request: IncomingMessage, guard: Guard): string | null {
  if (requestUrl(request)?.pathname !== transportPath) return 'wrong path'
  const foreign = foreignReason(guard, { method: request.method ?? '', headers: request.headers, isUpgrade: true })
  return foreign ?? (hasToken(guard, request.headers) ? null : 'no token')
}

/** The requested address on a host that does not matter; null for what is none (`//`). */
function requestUrl(request: IncomingMessage): URL | null {
  return URL.parse(request.url ?? '', 'http://window.invalid')
}

async function answer(request: Request, station: HostedStation, page: Page): Promise<Response> {
  const { pathname } = new URL(request.url)
  if (pathname.startsWith('/media/') || pathname.startsWith('/exports/')) {
    const response = await station.handle(request)
    for (const [name, value] of Object.entries(commonHeaders)) response.headers.set(name, value)
    return response
  }
  const { status, headers, body } = await page(request.method, pathname)
  return new Response(body, { status, headers })
}

function isLoopback(host: string): boolean {
  return host === '::1' || host === 'localhost' || host.startsWith('127.')
}
