import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isPublicAddress } from '#backend/outbound/addresses.ts'
import { createOutbound, type PermitAddress, type ResolveHost } from '#backend/outbound/guarded-request.ts'
import { analyseLink, isWebAddress } from '#backend/outbound/link-analysis.ts'

/** A server of this machine that stands for one in the internet: its own port is the only one that is let through. */
async function serve(listener: RequestListener) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.headers.host}${request.url}`)
    listener(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const permits: PermitAddress = (address, to) => isPublicAddress(address) || (address === '127.0.0.1' && to === port)
  return { port, permits, asked }
}

const now = () => new Date('2026-11-21T09:00:00.000Z')
const toLoopback: ResolveHost = () => Promise.resolve(['127.0.0.1'])

function analyse(url: string, options: Parameters<typeof createOutbound>[0]) {
  return analyseLink(url, { send: createOutbound(options), now, closientHosts: ['id.closient.test'] })
}

describe('the analysis of a link', () => {
  it('keeps each hop with its status and headers, without cookies, and finds the GTIN on the road', async () => {
    const { port, permits, asked } = await serve((request, response) => {
      const next = {
        '/short': { status: 301, location: '/middle' },
        '/middle': { status: 302, location: `http://shop.test:${port}/01/04006381333931?17=271231` },
      }[request.url ?? '']
      response.writeHead(next?.status ?? 200, {
        'Set-Cookie': 'secret=1',
        'X-Seen': 'yes',
        ...(next === undefined ? {} : { Location: next.location }),
      })
      response.end('x'.repeat(100_000))
    })
    const analysis = await analyse(`http://go.test:${port}/short#part`, { resolve: toLoopback, permits })
    expect(analysis).toMatchObject({
      initial_url: `http://go.test:${port}/short#part`,
      final_url: `http://shop.test:${port}/01/04006381333931?17=271231`,
      hop_count: 3,
      resolver_domain: 'go.test',
      resolver_type: 'GS1_DL',
      is_closient_resolver: false,
      extracted_gtin: '04006381333931',
      error_message: '',
    })
    expect(analysis.hops.map(({ status_code }) => status_code)).toEqual([301, 302, 200])
    for (const { headers } of analysis.hops) {
      expect(headers['x-seen']).toBe('yes')
      expect(headers).not.toHaveProperty('set-cookie')
    }
    expect(asked).toEqual([
      `go.test:${port}/short`,
      `go.test:${port}/middle`,
      `shop.test:${port}/01/04006381333931?17=271231`,
    ])
  })

  it('tells a Closient resolver, a shortener, a plain page and an unknown redirect apart', async () => {
    const { port, permits } = await serve((request, response) => {
      if (request.url === '/go') response.writeHead(302, { Location: '/page' })
      response.end()
    })
    const typeOf = async (url: string) => (await analyse(url, { resolve: toLoopback, permits })).resolver_type
    expect(await typeOf(`http://id.closient.test:${port}/01/04006381333931`)).toBe('CLOSIENT')
    expect(await typeOf(`http://bit.ly:${port}/go`)).toBe('URL_SHORTENER')
    expect(await typeOf(`http://shop.test:${port}/page`)).toBe('DIRECT')
    expect(await typeOf(`http://shop.test:${port}/go`)).toBe('UNKNOWN')
  })

  it('stops at a circle, at eleven addresses, and at a Location that is no address, and keeps the hops so far', async () => {
    const { port, permits } = await serve((request, response) => {
      const [, kind, count = '0'] = (request.url ?? '').split('/')
      const location = kind === 'circle' ? '/circle' : kind === 'far' ? `/far/${Number(count) + 1}` : 'http://[no'
      response.writeHead(302, { Location: location }).end()
    })
    const run = (path: string) => analyse(`http://a.test:${port}${path}`, { resolve: toLoopback, permits })
    expect(await run('/circle')).toMatchObject({ hop_count: 1, error_message: expect.stringContaining('circle') })
    expect(await run('/far/0')).toMatchObject({ hop_count: 10, error_message: expect.stringContaining('10 redirects') })
    expect(await run('/broken')).toMatchObject({ hop_count: 1, error_message: expect.stringContaining('no address') })
  })

  it('neither sends nor stores the user and password of an address', async () => {
    let authorization: string | undefined
    const { port, permits } = await serve((request, response) => {
      authorization ??= request.headers.authorization
      const isFirst = request.url === '/x'
      response.writeHead(isFirst ? 302 : 200, isFirst ? { Location: `http://user:secret@a.test:${port}/y` } : {}).end()
    })
    const analysis = await analyse(`http://user:secret@a.test:${port}/x`, { resolve: toLoopback, permits })
    expect(analysis.hop_count).toBe(2)
    expect(authorization).toBeUndefined()
    const { initial_url: _, ...found } = analysis
    expect(JSON.stringify(found)).not.toContain('secret')
    expect(analysis.hops[0]?.headers['location']).toBe(`http://a.test:${port}/y`)
  })

  it('says what it could not reach', async () => {
    const { permits } = await serve((_request, response) => void response.end())
    const nowhere = await analyse('http://gone.test/', {
      resolve: () => Promise.reject(Object.assign(new Error('no such host'), { code: 'ENOTFOUND' })),
      permits,
    })
    expect(nowhere).toMatchObject({ hop_count: 0, resolver_type: 'DIRECT' })
    expect(nowhere.error_message).toBe('gone.test could not be asked: ENOTFOUND.')
  })

  it('gives each hop five seconds and no more, and leaves a body that never ends', async () => {
    const timeouts: number[] = []
    const { port, permits } = await serve((request, response) => {
      if (request.url === '/go') response.writeHead(302, { Location: '/page' }).end()
    })
    const send = createOutbound({ resolve: toLoopback, permits })
    const analysis = await analyseLink(`http://a.test:${port}/go`, {
      // The second hop never answers; so that nobody waits for it here, it has less time.
      send: (url, request) => {
        timeouts.push(request.timeoutMs)
        return send(url, url.pathname === '/go' ? request : { ...request, timeoutMs: 100 })
      },
      now,
      closientHosts: [],
    })
    expect(timeouts).toEqual([5_000, 5_000])
    expect(analysis).toMatchObject({ hop_count: 1, error_message: 'a.test did not answer within 0.1 s.' })

    let hungUp: () => void = () => undefined
    const isLeft = new Promise<void>((resolve) => (hungUp = resolve))
    const endless = await serve((_request, response) => {
      const more = setInterval(() => response.write('x'.repeat(65_536)), 1)
      response.on('close', () => {
        clearInterval(more)
        hungUp()
      })
    })
    const found = await analyse(`http://a.test:${endless.port}/`, { resolve: toLoopback, permits: endless.permits })
    expect(found).toMatchObject({ hop_count: 1, error_message: '' })
    await isLeft
  })

  it('is for http and https addresses only', () => {
    expect(isWebAddress('https://id.gs1.org/01/04006381333931')).toBe(true)
    expect(isWebAddress('HTTP://A.TEST')).toBe(true)
    for (const value of [
      '4006381333931',
      'ftp://a.test',
      'javascript:alert(1)',
      'http://',
      'https:///x',
      'file:///etc',
    ]) {
      expect(isWebAddress(value), value).toBe(false)
    }
  })
})

describe('no request of the backend', () => {
  /** Counts what arrives at this machine: nothing may. */
  async function refused(url: (port: number) => string, resolve?: ResolveHost): Promise<string> {
    const { port, asked } = await serve((_request, response) => void response.end())
    const analysis = await analyse(url(port), resolve === undefined ? {} : { resolve })
    expect(asked).toEqual([])
    expect(analysis).toMatchObject({ hops: [], hop_count: 0 })
    return analysis.error_message
  }

  it('goes to an address of the site, however it is written', async () => {
    for (const host of [
      '127.0.0.1',
      '127.1',
      '2130706433',
      '0x7f.0.0.1',
      '0177.0.0.1',
      '0',
      '10.1.2.3',
      '192.168.0.1',
      '172.16.9.9',
      '169.254.169.254',
      '100.100.100.200',
      '224.0.0.1',
      '255.255.255.255',
      '[::1]',
      '[::]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[::127.0.0.1]',
      '[64:ff9b::7f00:1]',
      '[2002:7f00:1::]',
      '[fe80::1]',
      '[fd00:ec2::254]',
      '[ff02::1]',
    ]) {
      expect(await refused((port) => `http://${host}:${port}/`), host).toContain('is not a public address')
    }
  })

  it('goes to a name that stands for one, and names the address in its refusal', async () => {
    for (const address of ['127.0.0.1', '10.0.0.5', '169.254.169.254', '::1', '::ffff:10.0.0.5', 'fe80::1%eth0', '']) {
      const message = await refused(
        (port) => `http://intranet.test:${port}/`,
        () => Promise.resolve([address]),
      )
      expect(message, address).toContain(`intranet.test is ${address}`)
    }
    expect(await refused((port) => `http://localhost:${port}/`)).toContain('localhost is ')
    expect(await refused((port) => `http://localhost.:${port}/`)).toMatch(/not a public address|could not be asked/)
  })

  it('goes to a name of which only one of several addresses is inside', async () => {
    expect(
      await refused(
        (port) => `http://mixed.test:${port}/`,
        () => Promise.resolve(['93.184.216.34', '10.0.0.5']),
      ),
    ).toContain('mixed.test is 10.0.0.5')
  })

  it('asks a name twice: one that answers differently the second time leads to what was checked', async () => {
    const { port, asked } = await serve((_request, response) => void response.end())
    let questions = 0
    // First the documented example address, which is let through here and leads nowhere; then this machine.
    const rebinding: ResolveHost = () => Promise.resolve([(questions += 1) === 1 ? '192.0.2.1' : '127.0.0.1'])
    const send = createOutbound({ resolve: rebinding, permits: (address) => address === '192.0.2.1' })
    const url = new URL(`http://rebind.test:${port}/`)
    await expect(send(url, { method: 'GET', headers: {}, timeoutMs: 300 })).rejects.toThrow(/rebind\.test/)
    expect([questions, asked]).toEqual([1, []])
    await expect(send(url, { method: 'GET', headers: {}, timeoutMs: 300 })).rejects.toThrow('rebind.test is 127.0.0.1')
    expect(asked).toEqual([])
  })

  it('follows a redirect into the site, nor to another scheme', async () => {
    const inside = await serve((_request, response) => void response.end('the secret'))
    for (const location of [
      `http://127.0.0.1:${inside.port}/`,
      `http://[::ffff:127.0.0.1]:${inside.port}/`,
      'http://169.254.169.254/latest/meta-data/',
      'http://inside.test/',
      '//10.0.0.1/',
      'file:///etc/passwd',
      'gopher://127.0.0.1/',
    ]) {
      const outside = await serve((_request, response) => void response.writeHead(302, { Location: location }).end())
      const analysis = await analyse(`http://out.test:${outside.port}/`, {
        resolve: (host) => Promise.resolve([host === 'out.test' ? '127.0.0.1' : '10.9.9.9']),
        permits: outside.permits,
      })
      expect(analysis.hops.length, location).toBe(1)
      expect(analysis.error_message, location).toMatch(/is not a public address|is not followed/)
    }
    expect(inside.asked).toEqual([])
  })
})
