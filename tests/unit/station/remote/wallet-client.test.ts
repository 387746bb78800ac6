import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scanTypes } from '#contract/gate/scan-api.ts'
import { createRelayClient, createWalletClient } from '#station/remote/wallet-client.ts'
import { startServer, type Said, type ScriptedServer } from '../scripted-server.ts'

const now = (): Date => new Date('2026-11-21T09:00:00.000Z')
const clientOf = (server: ScriptedServer, secret: string | null = 'wallet-key-1') =>
  createWalletClient({ fetch, url: server.url, tenantId: 'acme', secret: () => Promise.resolve(secret), now })
const created: Said = { status: 201, body: { passId: 'Ab3dEf6hIj9k' } }

describe('a scan record', () => {
  it('has two members and the key in its header, nothing more', async () => {
    const server = await startServer(() => created)
    const answer = await clientOf(server).recordScan({ data: '0123456789012', type: 'code128' })
    expect(answer).toMatchObject({ ok: true, value: { passId: 'Ab3dEf6hIj9k' } })
    const [request] = server.requests
    expect(request).toMatchObject({
      method: 'POST',
      path: '/api/acme/scans',
      body: '{"data":"0123456789012","type":"code128"}',
    })
    expect(request?.headers).toMatchObject({ 'x-api-key': 'wallet-key-1', 'content-type': 'application/json' })
    expect(request?.headers['idempotency-key']).toBeUndefined()
  })

  it.each([
    ['leading zeros', '000123'],
    ['blanks at both ends', '  a b \t'],
    ['group separators and other control characters', '\u001d0104006381333931\u001d10A\u0000\u001b'],
    ['2,048 characters', 'ß'.repeat(2_048)],
    ['what looks like JSON', '{"data":"x"}\\u0041'],
    ['combining characters, which are not normalised', 'e\u0301é'],
  ])('carries %s byte for byte', async (_name, data) => {
    const server = await startServer(() => created)
    await clientOf(server).recordScan({ data, type: 'qrcode' })
    expect(server.requests[0]?.json).toEqual({ data, type: 'qrcode' })
  })

  it('carries any text of any type', async () => {
    const server = await startServer(() => created)
    const client = clientOf(server)
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary', minLength: 3 }),
        fc.constantFrom(...scanTypes),
        async (data, type) => {
          await client.recordScan({ data, type })
          expect(server.requests.at(-1)?.json).toEqual({ data, type })
        },
      ),
      { numRuns: 50 },
    )
  })
})

describe('the answer to a scan record', () => {
  const problem = (status: number, headers: Record<string, string> = {}): Said => ({
    status,
    body: { type: null, title: 'Title', status, detail: 'why' },
    headers: { 'content-type': 'application/problem+json', ...headers },
  })

  it('404 is an answer: no pass has the value', async () => {
    const server = await startServer(() => problem(404))
    expect(await clientOf(server).recordScan({ data: 'abc', type: 'nfc' })).toMatchObject({
      ok: true,
      value: { passId: null },
    })
  })

  it.each([
    [400, 'refused', 'no'],
    [401, 'unauthorised', 'no'],
    [403, 'unauthorised', 'no'],
    [429, 'busy', 'no'],
    [500, 'busy', 'unknown'],
    [503, 'busy', 'unknown'],
  ])('%d is a failure of the kind %s', async (status, kind, taken) => {
    const server = await startServer(() => problem(status))
    const answer = await clientOf(server).recordScan({ data: 'abc', type: 'nfc' })
    expect(answer).toMatchObject({ ok: false, failure: { kind, status, taken, message: 'why' } })
  })

  it('429 says how long to wait', async () => {
    const server = await startServer(() => problem(429, { 'retry-after': '7' }))
    const answer = await clientOf(server).recordScan({ data: 'abc', type: 'nfc' })
    expect(answer).toMatchObject({ ok: false, failure: { retryAfterMs: 7_000 } })
  })

  it.each([
    ['a lost answer', 'cut' as const, 'unreachable', 'unknown'],
    ['success without a pass', { status: 201, body: { passId: null } }, 'busy', 'yes'],
    ['a page of HTML', { status: 200, body: '<html>' }, 'busy', 'yes'],
  ])('%s is not taken for an answer', async (_name, said: Said, kind, taken) => {
    const server = await startServer(() => said)
    const answer = await clientOf(server).recordScan({ data: 'abc', type: 'nfc' })
    expect(answer).toMatchObject({ ok: false, failure: { kind, taken } })
  })

  it('is waited for no longer than was said', async () => {
    const server = await startServer(() => 'silence')
    const answer = await clientOf(server).recordScan({ data: 'abc', type: 'nfc' }, 50)
    expect(answer).toMatchObject({ ok: false, failure: { kind: 'unreachable', taken: 'unknown' } })
  })
})

describe('an OAuth client', () => {
  const oauth = async (token: (asked: number) => Said, scan: (bearer: string) => Said = () => created) => {
    let asked = 0
    const server = await startServer((request) =>
      request.path === '/oauth/token' ? token((asked += 1)) : scan(String(request.headers.authorization)),
    )
    let atMs = now().getTime()
    const secret = JSON.stringify({
      tokenUrl: `${server.url}/oauth/token`,
      clientId: 'gate',
      clientSecret: 's3cret/&=',
    })
    const client = createWalletClient({
      fetch,
      url: server.url,
      tenantId: 'acme',
      secret: () => Promise.resolve(secret),
      now: () => new Date(atMs),
    })
    return {
      server,
      record: () => client.recordScan({ data: 'abc', type: 'nfc' }),
      asked: () => asked,
      advance: (ms: number) => void (atMs += ms),
    }
  }
  const token = (asked: number): Said => ({
    status: 200,
    body: { access_token: `token-${asked}`, token_type: 'Bearer', expires_in: 3_600 },
  })

  it('asks for a token once, shows it, and asks again before it expires', async () => {
    const { server, record, asked, advance } = await oauth(token)
    await Promise.all([record(), record()])
    expect(asked()).toBe(1)
    const [first, ...scans] = server.requests
    expect(Object.fromEntries(new URLSearchParams(first?.body))).toEqual({
      grant_type: 'client_credentials',
      client_id: 'gate',
      client_secret: 's3cret/&=',
      scope: 'PassScan.Scan',
    })
    expect(scans.map(({ headers }) => headers.authorization)).toEqual(['Bearer token-1', 'Bearer token-1'])
    expect(scans[0]?.headers['x-api-key']).toBeUndefined()
    advance(3_600_000 - 60_001)
    await record()
    expect(asked()).toBe(1)
    advance(2)
    await record()
    expect(asked()).toBe(2)
    expect(server.requests.at(-1)?.headers.authorization).toBe('Bearer token-2')
  })

  it('gets a new token when the old one is not taken any more, once', async () => {
    const { record, asked } = await oauth(token, (bearer) => (bearer === 'Bearer token-1' ? { status: 401 } : created))
    expect(await record()).toMatchObject({ ok: true })
    expect(asked()).toBe(2)
    const never = await oauth(token, () => ({ status: 401 }))
    expect(await never.record()).toMatchObject({ ok: false, failure: { kind: 'unauthorised' } })
    expect(never.asked()).toBe(2)
  })

  it.each([
    ['refuses the client', { status: 401, body: { error: 'invalid_client' } }, 'unauthorised'],
    ['is down', { status: 503 }, 'busy'],
    ['does not answer', 'cut' as const, 'unreachable'],
    ['answers without a token', { status: 200, body: {} }, 'unauthorised'],
  ])('sends nothing while the token endpoint %s', async (_name, said: Said, kind) => {
    const { server, record } = await oauth(() => said)
    expect(await record()).toMatchObject({ ok: false, failure: { kind, taken: 'no', code: 'no_token' } })
    expect(server.requests.every(({ path }) => path === '/oauth/token')).toBe(true)
  })
})

describe('the relay', () => {
  const scan = {
    data: 'abc',
    type: 'nfc',
    scanned_at: '2026-11-21T09:00:00.000Z',
    device_id: 'reader',
    client_scan_id: '0192a1b2-0000-7000-8000-000000000001',
  } as const
  const relayOf = (server: ScriptedServer) =>
    createRelayClient({ fetch, url: server.url, credential: () => Promise.resolve('site-key'), now })

  it('tells a pass, none, or that the scan waits at the site', async () => {
    const said: Said[] = [created, { status: 202, body: { queued: true, client_scan_id: scan.client_scan_id } }]
    const server = await startServer(() => said.shift() ?? { status: 404 })
    const relay = relayOf(server)
    expect(await relay.recordScan(scan)).toMatchObject({ ok: true, value: { passId: 'Ab3dEf6hIj9k' } })
    expect(await relay.recordScan(scan)).toMatchObject({ ok: true, value: { queued: true } })
    expect(await relay.recordScan(scan)).toMatchObject({ ok: true, value: { passId: null } })
    expect(server.requests[0]).toMatchObject({ path: '/relay/v1/wallet/scans', json: scan })
  })
})
