import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { CustomScheme } from 'electron'
import { commonHeaders, createPage } from '#contract/page.ts'
import type { Log } from '#contract/ports.ts'
import { isOwnUrl, ownScheme } from './origin.ts'
import { coverScreen, serviceScreen } from './service-screen.ts'

/**
 * The window's scheme. Secure, for the camera; never `bypassCSP`, never `corsEnabled`. `file://` would let
 * a page read the disk.
 */
export const ownSchemePrivileges: CustomScheme = {
  scheme: ownScheme,
  privileges: { standard: true, secure: true, supportFetchAPI: true, stream: true, codeCache: true },
}

export interface ProtocolPorts {
  /** The built window: the folder with index.html. */
  readonly assetsDir: string
  /** The station's answers to requests for bytes. */
  readonly handle: (request: Request) => Promise<Response>
  /** Called whenever the page has got a script. */
  readonly onScript?: () => void
  readonly log: Log
}

/** Answers every request under `app://kiosk/`: the page's files, the station's HTTP paths, the service screen. */
export function createProtocolHandler(ports: ProtocolPorts): (request: Request) => Promise<Response> {
  const newNonce = (): string => randomBytes(16).toString('base64')
  const page = createPage({ folder: ports.assetsDir, readFile, newNonce })

  return async (request) => {
    try {
      if (!isOwnUrl(request.url)) return new Response('not found', { status: 404, headers: commonHeaders })
      const { pathname, searchParams } = new URL(request.url)
      if (pathname === '/service' && request.method === 'GET') {
        return serviceScreen(newNonce(), searchParams.get('reason') === 'key' ? 'key' : 'page')
      }
      if (pathname === '/cover' && request.method === 'GET') return coverScreen(newNonce())
      if (pathname.startsWith('/media/') || pathname.startsWith('/exports/')) {
        const response = await ports.handle(request)
        for (const [name, value] of Object.entries(commonHeaders)) response.headers.set(name, value)
        return response
      }
      const { status, headers, body } = await page(request.method, pathname)
      if (status === 200 && pathname.endsWith('.js')) ports.onScript?.()
      return new Response(body, { status, headers })
    } catch (error) {
      ports.log.error({ err: error }, 'request failed')
      return new Response('internal', { status: 500, headers: commonHeaders })
    }
  }
}
