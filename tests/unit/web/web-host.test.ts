import { createConnection } from 'node:net'
import { request } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { commonHeaders, contentSecurityPolicy } from '#contract/page.ts'
import { maxPhotoBytes } from '#contract/station/http.ts'
import { maxMessageBytes, transportPath } from '#contract/transport.ts'
import { createWebHost, newToken, type WebHost } from '#web/index.ts'
import { assetsDir, cookieOf } from '../../contract/carriers.ts'
import { createFakeStation, createKeptLog, type FakeStation } from '../../contract/fake-station.ts'

let host: WebHost
let station: FakeStation
let cookie: string
const kept = createKeptLog()

beforeEach(async () => {
  kept.lines.length = 0
  station = createFakeStation()
  host = await createWebHost({ station, assetsDir, port: 0, log: kept.log })
  cookie = await cookieOf(host.url)
})
afterEach(() => host.close())

interface Asked {
  readonly path?: string
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

/** Asks with exactly these headers: `fetch` would not let a test set `Host`. */
function ask({ path = '/', method = 'GET', headers = {}, body }: Asked) {
  return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: string }>((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port: host.port,
        path,
        method,
        agent: false,
        headers: { host: `127.0.0.1:${host.port}`, ...headers },
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (text += chunk))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

/** The status an upgrade is answered with; 101 when it succeeds. */
function upgrade(headers: Record<string, string>, path: string = transportPath): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${host.port}${path}`, { headers })
    socket.on('open', () => {
      socket.terminate()
      resolve(101)
    })
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
    socket.on('error', reject)
  })
}

it('knows a window of an earlier run by the token that was kept, and none by another one', async () => {
  const token = newToken()
  const start = (port: number, own: string) => createWebHost({ station, assetsDir, port, token: own, log: kept.log })
  const first = await start(0, token)
  const left = await cookieOf(first.url)
  await first.close()
  for (const [own, status] of [
    [token, 200],
    [newToken(), 403],
  ] as const) {
    const next = await start(first.port, own)
    expect((await fetch(`http://127.0.0.1:${first.port}/`, { headers: { cookie: left } })).status).toBe(status)
    await next.close()
  }
})

describe('the token', () => {
  it('has at least 128 random bits and is another one at each start', async () => {
    const token = new URL(host.url).searchParams.get('token') ?? ''
    expect(Buffer.from(token, 'base64url').length).toBeGreaterThanOrEqual(16)
    const other = await createWebHost({ station, assetsDir, port: 0, log: kept.log })
    expect(new URL(other.url).searchParams.get('token')).not.toBe(token)
    await other.close()
  })

  it('is exchanged for a strict, script-proof cookie by a redirect that drops it from the address', async () => {
    const { search } = new URL(host.url)
    const answer = await ask({ path: `/${search}` })
    expect(answer.status).toBe(303)
    expect(answer.headers['location']).toBe('/')
    expect(String(answer.headers['set-cookie'])).toMatch(
      new RegExp(`^capstan-${host.port}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict$`),
    )
  })

  it.each([
    ['no cookie', undefined],
    ['a wrong token', 'capstan=wrong'],
    ['an empty token', ''],
  ])('is required: 403 with %s', async (_what, sent) => {
    const headers = sent === undefined ? {} : { cookie: sent.replace('capstan', `capstan-${host.port}`) }
    for (const path of ['/', '/assets/main-3f2a.js', '/media/x', '/exports/x.csv', '/?token=wrong']) {
      expect((await ask({ path, headers })).status).toBe(403)
    }
  })

  it('can be a one-time token, which opens one window with the same cookie and then none', async () => {
    const { search } = new URL(host.oneTimeUrl())
    expect(search).not.toBe(new URL(host.url).search)
    const [first, second] = [await ask({ path: `/${search}` }), await ask({ path: `/${search}` })]
    expect(first.status).toBe(303)
    expect(String(first.headers['set-cookie'])).toContain(cookie)
    expect(second.status).toBe(403)
  })

  it('never appears in the log', async () => {
    await ask({ path: `/${new URL(host.url).search}` })
    await ask({ headers: { cookie, host: 'evil.example' } })
    expect(JSON.stringify(kept.lines)).not.toContain(new URL(host.url).searchParams.get('token'))
  })
})

describe('host and origin', () => {
  it.each(['evil.example', '127.0.0.1', '127.0.0.1:1', 'localhost', 'localhost.evil.example', '[::1]'])(
    'refuses the host %j, token or not',
    async (wrong) => {
      expect((await ask({ headers: { cookie, host: wrong } })).status).toBe(403)
      expect((await ask({ path: `/${new URL(host.url).search}`, headers: { host: wrong } })).status).toBe(403)
    },
  )

  it('answers to both of its own names', async () => {
    expect((await ask({ headers: { cookie } })).status).toBe(200)
    expect((await ask({ headers: { cookie, host: `localhost:${host.port}` } })).status).toBe(200)
  })

  it.each(['http://evil.example', 'null', 'https://127.0.0.1', 'http://127.0.0.1:1', 'http://localhost.evil.example'])(
    'refuses the origin %j',
    async (origin) => {
      expect((await ask({ headers: { cookie, origin } })).status).toBe(403)
      expect(await upgrade({ cookie, origin })).toBe(403)
    },
  )

  it('refuses an origin of its own other name: page and request must agree', async () => {
    expect((await ask({ headers: { cookie, origin: `http://localhost:${host.port}` } })).status).toBe(403)
  })

  it('refuses a change that does not say where it comes from', async () => {
    expect((await ask({ method: 'PUT', path: '/media/photos', headers: { cookie }, body: 'x' })).status).toBe(403)
  })

  it.each(['cross-site', 'same-site'])('refuses a %s request without an origin, as an image has', async (site) => {
    expect((await ask({ path: '/media/x', headers: { cookie, 'sec-fetch-site': site } })).status).toBe(403)
  })

  it('answers to a proxy only when it was named', async () => {
    const behind = await createWebHost({
      station,
      assetsDir,
      port: 0,
      log: kept.log,
      origins: ['https://station.example'],
    })
    const { search } = new URL(behind.url)
    const answer = await fetch(`http://127.0.0.1:${behind.port}/${search}`, { redirect: 'manual' })
    const own = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
    const status = (headers: Record<string, string>) =>
      new Promise<number>((resolve) => {
        request({ port: behind.port, host: '127.0.0.1', headers: { cookie: own, ...headers } }, (response) => {
          response.resume()
          resolve(response.statusCode ?? 0)
        }).end()
      })
    expect(await status({ host: 'station.example', origin: 'https://station.example' })).toBe(200)
    expect(await status({ host: 'station.example', origin: 'http://station.example' })).toBe(403)
    await behind.close()
  })
})

describe('the WebSocket upgrade', () => {
  const own = () => ({ cookie, origin: `http://127.0.0.1:${host.port}` })

  it('succeeds with token and origin', async () => {
    expect(await upgrade(own())).toBe(101)
  })

  it('is refused before it happens without token, origin, host or path', async () => {
    expect(await upgrade({ origin: own().origin })).toBe(403)
    expect(await upgrade({ cookie })).toBe(403)
    expect(await upgrade({ ...own(), host: 'evil.example' })).toBe(403)
    expect(await upgrade(own(), '/elsewhere')).toBe(403)
    expect(await upgrade(own(), `${transportPath}/../x`)).toBe(403)
  })

  const closeCode = async (frame: string | Buffer): Promise<number> => {
    const socket = new WebSocket(`ws://127.0.0.1:${host.port}${transportPath}`, { headers: own() })
    await new Promise((resolve) => socket.once('open', resolve))
    socket.on('error', () => {})
    socket.send(frame)
    return new Promise((resolve) => socket.once('close', resolve))
  }

  it.each([
    ['no JSON', '{'],
    ['no object', '7'],
    ['an unknown kind', '{"kind":"eval"}'],
    ['a field too many', '{"kind":"call","id":1,"name":"settings.get","input":{},"more":1}'],
    ['an id that is no number', '{"kind":"call","id":"1","name":"settings.get","input":{}}'],
    ['a name without end', JSON.stringify({ kind: 'call', id: 1, name: 'x'.repeat(101), input: {} })],
    ['bytes', Buffer.from([1, 2, 3])],
  ])('ends a connection that sends %s', async (_what, frame) => {
    expect(await closeCode(frame)).toBe(1008)
  })

  it('ends a connection that sends more than a message may have', async () => {
    expect(await closeCode('x'.repeat(maxMessageBytes + 1))).toBe(1009)
  })

  it('goes on serving others meanwhile', async () => {
    await closeCode('{')
    expect(await upgrade(own())).toBe(101)
  })

  it('forgets a window that has gone', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${host.port}${transportPath}`, { headers: own() })
    await new Promise((resolve) => socket.once('open', resolve))
    for (const topic of ['status.changed', 'status.changed', 'nothing.such', '__proto__']) {
      socket.send(JSON.stringify({ kind: 'subscribe', topic }))
    }
    await expect.poll(() => station.listeners('status.changed')).toBe(1)
    expect(station.listeners('nothing.such')).toBe(0)
    socket.terminate()
    await expect.poll(() => station.listeners('status.changed')).toBe(0)
  })
})

describe('what is served', () => {
  const get = (path: string) => ask({ path, headers: { cookie } })

  it('is the page, with a nonce of its own at each load and the policy that names it', async () => {
    const [one, two] = [await get('/'), await get('/')]
    const nonce = /nonce="([^"]+)"/.exec(one.body)?.[1] ?? ''
    expect(Buffer.from(nonce, 'base64')).toHaveLength(16)
    expect(one.headers['content-security-policy']).toBe(contentSecurityPolicy(nonce))
    expect(one.body).not.toContain('__CSP_NONCE__')
    expect(two.body).not.toContain(nonce)
    expect(one.headers['cache-control']).toBe('no-store')
    expect(one.headers).toMatchObject(commonHeaders)
  })

  it('is hashed files for good, with the type that their name says', async () => {
    const script = await get('/assets/main-3f2a.js')
    expect(script.status).toBe(200)
    expect(script.headers['content-type']).toBe('text/javascript; charset=utf-8')
    expect(script.headers['cache-control']).toContain('immutable')
    expect(script.headers['content-security-policy']).toBeDefined()
  })

  it.each([
    '/..%2fconformance.test.ts',
    '/%2e%2e%2fcarriers.ts',
    '/assets/..%5c..%5cx.js',
    '/a%00.js',
    '/%',
    '/C:/x.js',
  ])('is nothing outside the folder: %s', async (path) => expect((await get(path)).status).toBe(400))

  it.each(['/assets', '/assets/', '/nothing.js', '/index.html/x.js', '/package.json', `/${'x'.repeat(5_000)}.js`])(
    'is no listing and no surprise: %s',
    async (path) => expect([400, 404]).toContain((await get(path)).status),
  )

  it('survives an address that is none', async () => {
    const socket = createConnection(host.port, '127.0.0.1')
    socket.end(`GET // HTTP/1.1\r\nHost: 127.0.0.1:${host.port}\r\nConnection: close\r\n\r\n`)
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    expect(text).toMatch(/^HTTP\/1.1 400 /)
    expect((await get('/')).status).toBe(200)
  })

  it('is read-only where files are', async () => {
    const headers = { cookie, origin: `http://127.0.0.1:${host.port}` }
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      expect((await ask({ method, headers })).status).toBe(405)
    }
  })

  it("is the station's answer under /media and /exports", async () => {
    expect((await get('/media/abc')).body).toBe('bytes of /media/abc')
    expect((await get('/exports/1.csv')).body).toBe('bytes of /exports/1.csv')
    expect((await get('/media/abc')).headers).toMatchObject(commonHeaders)
  })

  it('streams a photo to the station', async () => {
    const body = 'x'.repeat(5_000_000)
    const answer = await ask({
      method: 'PUT',
      path: '/media/photos?session=1',
      headers: { cookie, origin: `http://127.0.0.1:${host.port}` },
      body,
    })
    expect(answer.status).toBe(201)
    expect(JSON.parse(answer.body)).toEqual({ bytes: body.length, path: '/media/photos' })
  })

  it('refuses a body that says it is too large, before reading it', async () => {
    const answer = await ask({
      method: 'PUT',
      path: '/media/photos',
      headers: { cookie, origin: `http://127.0.0.1:${host.port}`, 'content-length': String(maxPhotoBytes + 1) },
    }).catch((error: NodeJS.ErrnoException) => ({ status: error.code }))
    expect(answer.status).toBe(413)
  })

  it('answers a fault of the station without its words', async () => {
    station.handle = () => Promise.reject(new Error('secret detail'))
    const answer = await get('/media/abc')
    expect(answer.status).toBe(500)
    expect(answer.body).not.toContain('secret detail')
    expect(kept.lines.some(({ level }) => level === 'error')).toBe(true)
  })
})
