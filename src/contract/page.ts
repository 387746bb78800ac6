/** Where the built window lies and what reads it; the room knows no platform, so both hosts hand in Node's own. */
export interface PagePorts {
  /** The absolute folder with index.html. */
  readonly folder: string
  /** `readFile` of `node:fs/promises`. */
  readonly readFile: {
    (file: string): Promise<Uint8Array<ArrayBuffer>>
    (file: string, encoding: 'utf8'): Promise<string>
  }
  /** A fresh value for every load, of at least 128 random bits. */
  readonly newNonce: () => string
}

export interface PageAnswer {
  readonly status: 200 | 400 | 404 | 405
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array<ArrayBuffer> | string
}

/** Answers one request for a file of the window. */
export type Page = (method: string, pathname: string) => Promise<PageAnswer>

/** What index.html carries where the per-load nonce belongs: the meta tag React Aria reads, and nothing else. */
export const nonceMark = '__CSP_NONCE__'

/**
 * The window's Content-Security-Policy, one for both hosts.
 *
 * `wasm-unsafe-eval` is there for zxing only; the nonce for the one `<style>` that React Aria's usePress injects.
 */
export function contentSecurityPolicy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' blob:",
    "media-src 'self' blob:",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    // Without `allow-modals` and `allow-popups`: no print dialog, no alert, no second window.
    'sandbox allow-scripts allow-same-origin allow-forms allow-downloads',
  ].join('; ')
}

/** What every answer of either host carries, whatever its body is. */
export const commonHeaders = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(self), microphone=(), geolocation=(), display-capture=(), usb=(), hid=(), serial=()',
} as const

/** Only what a build emits is served; a file of another kind is not there. */
const contentTypes: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  mjs: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json; charset=utf-8',
  wasm: 'application/wasm',
  svg: 'image/svg+xml',
  png: 'image/png',
  ico: 'image/x-icon',
  webp: 'image/webp',
  woff2: 'font/woff2',
  wav: 'audio/wav',
  mp3: 'audio/mpeg',
  ogg: 'audio/ogg',
}

/**
 * Serves the built window: Electron's `protocol.handle` and the web host's HTTP server both end here.
 *
 * `pathname` is a URL's, still percent-encoded. No path leaves the folder, no folder is listed, and each load
 * of a document gets a nonce of its own.
 */
export function createPage({ folder, readFile, newNonce }: PagePorts): Page {
  return async (method, pathname) => {
    if (method !== 'GET' && method !== 'HEAD') return plain(405, 'method not allowed', { allow: 'GET, HEAD' })
    const path = pagePath(pathname)
    if (path === null) return plain(400, 'bad path')
    const extension = path.slice(path.lastIndexOf('.') + 1)
    const contentType = Object.hasOwn(contentTypes, extension) ? contentTypes[extension] : undefined
    if (contentType === undefined) return plain(404, 'not found')

    const nonce = newNonce()
    const headers = {
      ...commonHeaders,
      'content-type': contentType,
      'content-security-policy': contentSecurityPolicy(nonce),
      // The build puts a hash of the content into every name under assets/.
      'cache-control':
        extension === 'html'
          ? 'no-store'
          : path.startsWith('assets/')
            ? 'private, max-age=31536000, immutable'
            : 'no-cache',
    }
    const file = `${folder}/${path}`
    try {
      const body =
        extension === 'html' ? (await readFile(file, 'utf8')).replaceAll(nonceMark, nonce) : await readFile(file)
      return { status: 200, headers, body: method === 'HEAD' ? '' : body }
    } catch (error) {
      if (isMissing(error)) return plain(404, 'not found')
      throw error
    }
  }
}

/** A file that is not there, or a folder, or a name longer than any file's. */
function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOENT' || code === 'EISDIR' || code === 'ENOTDIR' || code === 'ENAMETOOLONG'
}

/** Where the visitor's display is: the same document, which shows nothing but the gate's face there. */
export const visitorPath = '/visitor'

/** The file a URL's path names, relative and with `/` between its parts; null when it names none cleanly. */
export function pagePath(pathname: string): string | null {
  if (pathname === '/' || pathname === visitorPath) return 'index.html'
  if (!pathname.startsWith('/')) return null
  const parts: string[] = []
  for (const encoded of pathname.slice(1).split('/')) {
    let part: string
    try {
      part = decodeURIComponent(encoded)
    } catch {
      return null
    }
    // What decodes to a separator, a drive or a NUL was encoded to get past somebody.
    if (part === '' || part === '.' || part === '..' || /[/\\:\0]/.test(part)) return null
    parts.push(part)
  }
  return parts.join('/')
}

function plain(status: 400 | 404 | 405, body: string, more: Readonly<Record<string, string>> = {}): PageAnswer {
  return { status, headers: { ...commonHeaders, 'content-type': 'text/plain; charset=utf-8', ...more }, body }
}
